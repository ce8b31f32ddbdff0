/**
 * Exactly-once processing, judged when all is over: a record's effect is among the committed records once where the group has committed
 * an offset beyond it, and not at all where it has not. Outputs and offsets of a transaction are there together, or neither is.
 *
 *     what was read of the input:   @0 … @6   @7 …          the group has committed 7
 *     effects among the outputs:    1  …  1    0 …
 */
import type { Anomaly } from './anomaly.ts'
import type { HistoryEvent } from './history-event.ts'
import type { Recorded } from './recorded.ts'

export function effects(history: Recorded): Anomaly[] {
  const found: Anomaly[] = []
  const seen = new Map<string, { value: string; at: number }>()
  for (const [name, { first }] of history.partitions) {
    for (const [offset, { value, polledAt }] of first) {
      const effectOf = history.sends.get(value)?.event.effectOf
      if (effectOf === undefined || polledAt < 0) continue
      const other = seen.get(effectOf)
      if (other === undefined) seen.set(effectOf, { value: `${value} (${name}@${offset})`, at: polledAt })
      else {
        const what = `${effectOf} has the effects ${other.value} and ${value} (${name}@${offset})`
        found.push({ name: 'effect-twice', what, events: history.show(other.at, polledAt) })
      }
    }
  }
  for (const [at, event] of history.events.entries())
    if (event.kind === 'processed') found.push(...processedAnomalies(history, event, at, seen))
  return found
}

function processedAnomalies(
  history: Recorded,
  { partition, until }: Extract<HistoryEvent, { kind: 'processed' }>,
  at: number,
  seen: ReadonlyMap<string, { value: string; at: number }>,
): Anomaly[] {
  const found: Anomaly[] = []
  for (const [offset, { polledAt }] of history.partition(partition).first) {
    if (polledAt < 0) continue
    const effect = seen.get(`${partition}@${offset}`)
    if (offset < until && effect === undefined) {
      const what = `${partition}@${offset} has no effect, though the group has committed ${until}`
      found.push({ name: 'effect-missing', what, events: history.show(polledAt, at) })
    }
    if (offset >= until && effect !== undefined) {
      const what = `${partition}@${offset} has the effect ${effect.value}, though the group has committed only ${until}`
      found.push({ name: 'torn-transaction', what, events: history.show(effect.at, at) })
    }
  }
  return found
}
