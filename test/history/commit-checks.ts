/**
 * Checks of committed offsets.
 *
 *     commit ─────▶ committed               an answered commit binds whoever asks afterwards
 *                      fetch ────▶ fetched  and an answer is one of what was being committed until then
 *
 * Groups whose members go back on purpose are not for this check: a member reads on from what was committed, so offsets only rise.
 */
import type { Anomaly } from './anomaly.ts'
import type { Recorded } from './recorded.ts'

interface Commits {
  highestAnswered: { offset: number; at: number }
  begun: Set<number>
}

export function commits(history: Recorded): Anomaly[] {
  const found: Anomaly[] = []
  const lanes = new Map<string, Commits>()
  const of = (group: string, partition: string): Commits => {
    const lane = `${group} ${partition}`
    const commits = lanes.get(lane) ?? { highestAnswered: { offset: -1, at: -1 }, begun: new Set<number>() }
    lanes.set(lane, commits)
    return commits
  }
  const asked = new Map<string, Map<string, { offset: number; at: number }>>()
  history.events.forEach((event, at) => {
    if (event.kind === 'commit') of(event.group, event.partition).begun.add(event.offset)
    else if (event.kind === 'committed') {
      const lane = of(event.group, event.partition)
      if (event.offset > lane.highestAnswered.offset) lane.highestAnswered = { offset: event.offset, at }
    } else if (event.kind === 'fetch-committed')
      asked.set(event.id, new Map([...lanes].map(([lane, { highestAnswered }]) => [lane, highestAnswered])))
    else if (event.kind === 'fetched-committed') {
      const { group, partition, offset } = event
      const lane = of(group, partition)
      const least = asked.get(event.id)?.get(`${group} ${partition}`)
      if (least !== undefined && offset < least.offset) {
        const what = `${group} had committed ${least.offset} of ${partition} and was told ${offset}`
        found.push({ name: 'commit-regression', what, events: history.show(least.at, at) })
      }
      if (offset >= 0 && !lane.begun.has(offset)) {
        const what = `${group} was told ${offset} of ${partition}, which nobody had committed`
        found.push({ name: 'commit-unfounded', what, events: history.show(at) })
      }
      // What was told once binds like an answer.
      if (offset > lane.highestAnswered.offset) lane.highestAnswered = { offset, at }
    }
  })
  return found
}

/** Groups read from the start: what lies before the offset that was told last has been read by a member. */
export function unprocessed(history: Recorded, isCompacted: (partition: string) => boolean): Anomaly[] {
  const groupOf = new Map<string, string>()
  const read = new Map<string, Set<number>>()
  const last = new Map<string, { group: string; partition: string; offset: number; at: number }>()
  history.events.forEach((event, at) => {
    if (event.kind === 'assign' && event.group !== undefined) groupOf.set(event.process, event.group)
    else if (event.kind === 'poll') {
      const group = groupOf.get(event.process)
      for (const { partition, offset } of group === undefined ? [] : event.records) {
        const lane = `${group} ${partition}`
        const offsets = read.get(lane) ?? new Set()
        read.set(lane, offsets.add(offset))
      }
    } else if (event.kind === 'fetched-committed') last.set(`${event.group} ${event.partition}`, { ...event, at })
  })
  const groups = new Set(groupOf.values())
  const found: Anomaly[] = []
  for (const [lane, { group, partition, offset, at }] of last) {
    if (!groups.has(group) || isCompacted(partition)) continue
    const missed = history.between(partition, -1, offset).find(each => !read.get(lane)?.has(each))
    if (missed === undefined) continue
    const { value, at: seenAt } = history.partition(partition).first.get(missed)!
    const what = `${group} has committed ${offset} of ${partition}, and no member has read ${value} at ${missed}`
    found.push({ name: 'unprocessed', what, events: history.show(seenAt, at) })
  }
  return found
}
