/** From what has changed to what every member shall have: the group epoch, the target assignment, and a member's way there. */

import { type CurrentAssignment, isReconciledTo } from '../current-assignment.ts'
import { reconcile } from '../reconciliation.ts'
import { samePlaces, type TopicPartitions } from '../topic-partitions.ts'
import { topicsHash } from '../topics-view.ts'
import { type AssignorMember, assignors, electedAssignor } from './assignors/assignor.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './consumer-member.ts'
import type { ConsumerTurn } from './consumer-turn.ts'
import { allSubscribedNames, resolveRegexes, subscribedTopics } from './subscription.ts'

/** As in Kafka since 4.3: there a member may be in epoch 1 before anything has been assigned. */
const firstEpoch = 2

/** Raises the group epoch when it must be, or when the topics the group reads are not what they were. */
export function refreshTopics(turn: ConsumerTurn, mustRaise: boolean): void {
  const { topics } = turn
  if (!mustRaise && turn.group.topicsVersion === topics.version) return
  const { hasChanged, isComplete } = resolveRegexes(turn)
  const metadataHash = topicsHash(allSubscribedNames(turn.group), topics)
  if (mustRaise || hasChanged || metadataHash !== turn.group.metadataHash)
    turn.write({ type: 'group', value: { epoch: Math.max(turn.group.epoch + 1, firstEpoch), metadataHash } })
  // Last: what is written here is written to a draft, and the group itself has not seen these topics before that is durable.
  turn.group.topicsVersion = isComplete ? topics.version : -1
}

/** Deals anew when the group has changed since. */
export function updateTarget(turn: ConsumerTurn): void {
  const { group } = turn
  if (group.epoch <= group.targetEpoch) return
  const assign = assignors.get(assignorOf(group, turn.settings.assignors))!
  const partitions = new Map<string, number>()
  const members = new Map<string, AssignorMember>()
  for (const member of inOrder(group)) {
    const topics = subscribedTopics(member.details, group, turn.topics)
    for (const topicId of topics) partitions.set(topicId, turn.topics.withId(topicId)!.partitions)
    members.set(member.id, { topics, before: group.target(member.id) })
  }
  const dealt = assign({ members, partitionsOf: topicId => partitions.get(topicId)! })
  const { epoch } = group
  for (const [memberId, target] of dealt) {
    const before = turn.group.targets.get(memberId)
    if (!before || !samePlaces(before, target)) turn.write({ type: 'target', memberId, value: target })
  }
  turn.write({ type: 'target-epoch', value: epoch })
}

/** The assignor most of the members ask for. */
export function assignorOf(group: ConsumerGroup, offered: readonly string[]): string {
  return electedAssignor(
    Array.from(group.members.values(), ({ details }) => details.serverAssignor),
    offered,
  )
}

/** Static members keep their rank however often they come back. */
function inOrder(group: ConsumerGroup): ConsumerMember[] {
  const rank = ({ id, details }: ConsumerMember) => details.instanceId ?? id
  return [...group.members.values()].sort((one, other) => (rank(one) < rank(other) ? -1 : 1))
}

/** Takes a member as far towards its target as it can go now. */
export function advance(
  turn: ConsumerTurn,
  memberId: string,
  { hasNewSubscription, reported }: { hasNewSubscription: boolean; reported: TopicPartitions | null },
): ConsumerMember {
  const { group, topics } = turn
  const member = group.members.get(memberId)!
  if (!hasNewSubscription && isReconciledTo(member, group.targetEpoch)) return member
  const wanted = new Set(subscribedTopics(member.details, group, topics))
  const current = reconcile(member.current, {
    epoch: group.targetEpoch,
    target: group.target(memberId),
    wants: topicId => wanted.has(topicId),
    isTaken: (topicId, partition) => isTakenFrom(group, memberId, topicId, partition),
    hasNewSubscription,
    reported,
  })
  if (current === member.current) return member
  turn.write({ type: 'current', memberId, value: current })
  if (member.details.classic === null) watchRevocation(turn, member, current)
  return { ...member, current }
}

const isTakenFrom = (group: ConsumerGroup, memberId: string, topicId: string, partition: number): boolean => {
  const owner = group.ownerOf(topicId, partition)
  return owner !== undefined && owner !== memberId
}

function watchRevocation(turn: ConsumerTurn, { id, details }: ConsumerMember, { state }: CurrentAssignment): void {
  if (state === 'unrevoked') turn.deadline(`revoke:${id}`, details.rebalanceTimeoutMs)
  else turn.noDeadline(`revoke:${id}`)
}
