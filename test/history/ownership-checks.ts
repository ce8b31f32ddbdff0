/**
 * A partition has one owner in a group at a time. A member owns it until it says otherwise or its session is over, and when that was
 * nobody outside the broker can know; so a stay counts from its assignment to the last time the group took the member for one.
 *
 *     a   assign ──── owned ──── owned          (its session ends, unheard)
 *     b                                  assign ──── owned       fine
 *     c                    assign ─── owned                      owned twice, by a and c
 */
import type { Anomaly } from './anomaly.ts'
import type { Recorded } from './recorded.ts'

interface Stay {
  readonly process: string
  readonly from: number
  /** The last time it is certain. */
  to: number
  /** Of the event that says so. */
  toldAt: number
}

export function ownership(history: Recorded): Anomaly[] {
  return [...atOnce(history), ...inOneGeneration(history)]
}

function atOnce(history: Recorded): Anomaly[] {
  const found: Anomaly[] = []
  for (const [partition, all] of staysIn(history)) {
    let before: Stay | undefined
    for (const stay of all.filter(({ from, to }) => to > from)) {
      if (before !== undefined && stay.from < before.to && stay.process !== before.process) {
        const what = `${partition} was owned by ${before.process} and ${stay.process} at once`
        found.push({
          name: 'owned-twice',
          what,
          events: history.show(before.from, before.toldAt, stay.from, stay.toldAt),
        })
      }
      if (before === undefined || stay.to > before.to) before = stay
    }
  }
  return found
}

/** By group and partition, in the order of their beginnings. */
function staysIn({ events }: Recorded): Map<string, Stay[]> {
  const stays = new Map<string, Stay[]>()
  const open = new Map<string, Stay>()
  events.forEach((event, at) => {
    if (event.kind !== 'assign' && event.kind !== 'unassign' && event.kind !== 'owned') return
    if (event.group === undefined) return
    for (const partition of event.partitions) {
      const place = `${event.group}: ${partition}`
      const whose = `${place} ${event.process}`
      const stay = open.get(whose)
      if (event.kind === 'unassign') open.delete(whose)
      else if (event.kind === 'assign') {
        const begun = { process: event.process, from: at, to: at, toldAt: at }
        open.set(whose, begun)
        stays.set(place, [...(stays.get(place) ?? []), begun])
      } else if (stay !== undefined && event.since > stay.to) Object.assign(stay, { to: event.since, toldAt: at })
    }
  })
  return stays
}

function inOneGeneration(history: Recorded): Anomaly[] {
  const found: Anomaly[] = []
  const owners = new Map<string, { process: string; at: number }>()
  history.events.forEach((event, at) => {
    if (event.kind !== 'assign' || event.group === undefined || (event.generation ?? 0) < 1) return
    for (const partition of event.partitions) {
      const stay = `${event.group}: ${partition} in generation ${event.generation}`
      const other = owners.get(stay)
      owners.set(stay, { process: event.process, at })
      if (other === undefined || other.process === event.process) continue
      const what = `${stay} was owned by ${other.process} and ${event.process}`
      found.push({ name: 'owned-twice', what, events: history.show(other.at, at) })
    }
  })
  return found
}
