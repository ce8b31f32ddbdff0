import { type CurrentAssignment, type MemberState, sameCurrent } from './current-assignment.ts'
import { holds, nowhere, type OwnedPartitions, overlaps, placesIn, type TopicPartitions } from './topic-partitions.ts'

/** Where a member shall go, and what stands in its way. */
export interface Goal {
  readonly epoch: number
  readonly target: TopicPartitions
  /** Whether the member (still) wants a topic at all. */
  wants(topicId: string): boolean
  /** Whether somebody else owns a partition, or has not yet given it up. */
  isTaken(topicId: string, partition: number): boolean
  /** It subscribes to something else than before, so what it has may no longer be wanted. */
  readonly hasNewSubscription: boolean
  /** What the member says it owns; null: unchanged, unsaid. */
  readonly reported: TopicPartitions | null
}

/**
 * The next step of a member towards its target assignment, as far as it can go now:
 *
 *     keep    = assigned ∩ target                 revoke = assigned − keep
 *     take    = what is free of target − keep
 *
 * Nothing is taken before what is to be revoked has been: the member stays in its epoch till it no longer reports it. A partition is
 * taken only when nobody has it, so that it never belongs to two members.
 */
export function reconcile(current: CurrentAssignment, goal: Goal): CurrentAssignment {
  const next = step(current, goal)
  // That it has heard of its epoch by now is not worth a record.
  return sameCurrent({ ...next, previousEpoch: current.previousEpoch }, current) ? current : next
}

function step(current: CurrentAssignment, goal: Goal): CurrentAssignment {
  switch (current.state) {
    case 'stable':
      if (current.epoch !== goal.epoch) return nextAssignment(current, goal)
      return goal.hasNewSubscription ? withoutUnwanted(current, goal) : current
    case 'unrevoked':
      if (!stillOwns(goal.reported, current.revoking)) return nextAssignment(current, goal)
      return goal.hasNewSubscription ? withoutUnwanted(current, goal) : current
    case 'unreleased':
      return nextAssignment(current, goal)
  }
}

function nextAssignment(current: CurrentAssignment, goal: Goal): CurrentAssignment {
  const keep = split(current.assigned, (topicId, partition) => isAimedAt(goal, topicId, partition))
  if (placesIn(keep.no) > 0 && stillOwns(goal.reported, keep.no)) {
    return { ...moved(current, current.epoch), state: 'unrevoked', assigned: keep.yes, revoking: keep.no }
  }
  const assigned = new Map<string, Map<number, number>>()
  for (const [topicId, partitions] of keep.yes) assigned.set(topicId, new Map(partitions))
  let state: MemberState = 'stable'
  for (const [topicId, partitions] of goal.target) {
    if (!goal.wants(topicId)) continue
    for (const partition of partitions) {
      if (holds(keep.yes, topicId, partition)) continue
      if (goal.isTaken(topicId, partition)) state = 'unreleased'
      else own(assigned, topicId, partition, goal.epoch)
    }
  }
  return { ...moved(current, goal.epoch), state, assigned, revoking: nowhere }
}

/** Topics no longer subscribed to are given up at once, whatever the target says. */
function withoutUnwanted(current: CurrentAssignment, goal: Goal): CurrentAssignment {
  const keep = split(current.assigned, topicId => goal.wants(topicId))
  if (placesIn(keep.no) === 0) return current
  const revoking = new Map<string, ReadonlyMap<number, number>>(current.revoking)
  for (const [topicId, partitions] of keep.no)
    revoking.set(topicId, new Map([...(revoking.get(topicId) ?? []), ...partitions]))
  if (!stillOwns(goal.reported, revoking)) return { ...moved(current, current.epoch), assigned: keep.yes }
  return { ...moved(current, current.epoch), state: 'unrevoked', assigned: keep.yes, revoking }
}

const isAimedAt = (goal: Goal, topicId: string, partition: number): boolean =>
  goal.wants(topicId) && holds(goal.target, topicId, partition)

/** Unsaid means yes: only a report without them shows that they are given up. */
const stillOwns = (reported: TopicPartitions | null, revoking: OwnedPartitions): boolean =>
  reported === null || overlaps(reported, revoking)

const moved = (current: CurrentAssignment, epoch: number): CurrentAssignment => ({
  ...current,
  epoch,
  previousEpoch: current.epoch,
})

function split(
  owned: OwnedPartitions,
  isKept: (topicId: string, partition: number) => boolean,
): { yes: OwnedPartitions; no: OwnedPartitions } {
  const yes = new Map<string, Map<number, number>>()
  const no = new Map<string, Map<number, number>>()
  for (const [topicId, partitions] of owned) {
    for (const [partition, epoch] of partitions) own(isKept(topicId, partition) ? yes : no, topicId, partition, epoch)
  }
  return { yes, no }
}

function own(owned: Map<string, Map<number, number>>, topicId: string, partition: number, epoch: number): void {
  const partitions = owned.get(topicId)
  if (partitions) partitions.set(partition, epoch)
  else owned.set(topicId, new Map([[partition, epoch]]))
}
