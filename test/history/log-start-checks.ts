/** Checks of where logs start: what was deleted stays deleted, and a log start goes only up. */
import type { Anomaly } from './anomaly.ts'
import type { Recorded } from './recorded.ts'

interface Start {
  offset: number
  at: number
}

export function logStarts(history: Recorded): Anomaly[] {
  const found: Anomaly[] = []
  // By partition, the rising log starts that were told, in the order of the history.
  const known = new Map<string, Start[]>()
  const tell = (partition: string, offset: number, at: number) => {
    const starts = known.get(partition) ?? []
    known.set(partition, starts)
    if (offset > (starts.at(-1)?.offset ?? 0)) starts.push({ offset, at })
  }
  /** The highest that had been told before this place. */
  const toldBefore = (partition: string, at: number) => known.get(partition)?.findLast(start => start.at < at)
  history.events.forEach((event, at) => {
    if (event.kind === 'trimmed') tell(event.partition, event.before, at)
    else if (event.kind === 'log-start' || event.kind === 'end') {
      const offset = event.kind === 'end' ? event.logStart : event.offset
      const since = (event.kind === 'log-start' ? event.since : undefined) ?? at
      const before = toldBefore(event.partition, since)
      if (before !== undefined && offset < before.offset) {
        const what = `${event.partition} starts at ${offset}, having started at ${before.offset}`
        found.push({ name: 'deleted-then-back', what, events: history.show(before.at, at) })
      }
      tell(event.partition, offset, at)
    }
  })
  return found
}
