/**
 * Queues (share groups). A record that was acknowledged or rejected, and answered, is not delivered again: judged by members that came
 * after the answer, for what others are given may have been acquired before it; and by the one that was answered, who must not have
 * acknowledged an earlier delivery in place of the one that is still to come. And in calm weather no record is left lying.
 */
import type { Anomaly } from './anomaly.ts'
import type { DeliveryEvent } from './history-event.ts'
import type { Recorded } from './recorded.ts'

export function queues(history: Recorded): Anomaly[] {
  return [...deliveredAfterDone(history), ...leftLying(history)]
}

function deliveredAfterDone(history: Recorded): Anomaly[] {
  const found: Anomaly[] = []
  const joined = new Map<string, number>()
  const done = new Map<string, { at: number; by: string }>()
  history.events.forEach((event, at) => {
    if (event.kind === 'queue-join') joined.set(event.process, at)
    else if (event.kind === 'settled' && event.as !== 'release' && !done.has(event.value))
      done.set(event.value, { at, by: event.process })
    else if (event.kind === 'delivery') {
      if (mayStandTwice(history, event.value)) return
      const end = done.get(event.value)
      const joinedAt = joined.get(event.process) ?? -1
      if (end === undefined || (joinedAt < end.at && end.by !== event.process)) return
      const when = end.by === event.process ? `by ${end.by}` : `before ${event.process} came`
      const what = `${event.value} was done with ${when}, and was delivered to it`
      found.push({ name: 'delivered-after-done', what, events: history.show(end.at, joinedAt, at) })
    }
  })
  return found
}

/** Two records of one name are two records for a queue. */
const mayStandTwice = ({ sends }: Recorded, value: string): boolean => {
  const event = sends.get(value)?.event
  return event?.once === false || event?.durable === false
}

/**
 * Each record that was sent is done with, or its last delivery was followed by an acknowledgement or a rejection, were it unanswered. (An
 * answer to one may stand before a delivery to another, who had acquired it earlier and lost it.)
 */
function leftLying(history: Recorded): Anomaly[] {
  const { events } = history
  const servedAt = events.findIndex(({ kind }) => kind === 'queue-served')
  const served = events[servedAt]
  if (served?.kind !== 'queue-served') return []
  const open = new Map<string, { at: number; delivery: DeliveryEvent | undefined }>()
  const done = new Set<string>()
  events.slice(0, servedAt).forEach((event, at) => {
    if (event.kind === 'delivery') open.set(event.value, { at, delivery: event })
    else if (event.kind === 'settle' && event.as !== 'release') open.set(event.value, { at, delivery: undefined })
    else if (event.kind === 'settled' && event.as !== 'release') done.add(event.value)
  })
  const found: Anomaly[] = []
  for (const [value, send] of history.sends) {
    if (done.has(value)) continue
    if (send.outcome !== 'sent' || send.endedAt > servedAt || mayStandTwice(history, value)) continue
    const last = open.get(value)
    if (last !== undefined && (last.delivery === undefined || last.delivery.count >= served.mayGiveUpAfter)) continue
    const what = `${value} was ${last === undefined ? 'never delivered' : `delivered to ${last.delivery!.process}, which has not settled it, and then to nobody`}`
    found.push({ name: 'not-delivered', what, events: history.show(send.endedAt, last?.at ?? -1, servedAt) })
  }
  return found
}
