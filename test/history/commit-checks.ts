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
