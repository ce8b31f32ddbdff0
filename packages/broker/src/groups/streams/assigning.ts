/** From what has changed to what every member shall have: the group epoch, the target assignment, and a member's way there. */
import { isDeepStrictEqual } from 'node:util'
import { reconcile } from '../reconciliation.ts'
import { nowhere, samePlaces } from '../topic-partitions.ts'
import { topicsHash } from '../topics-view.ts'
import type { ConfiguredTopology } from './configured-topology.ts'
import { assignTasks } from './sticky-assignor.ts'
import type { StreamsMember } from './streams-member.ts'
import type { GroupFacts } from './streams-record.ts'
import type { StreamsTurn } from './streams-turn.ts'
import type { Tasks } from './tasks.ts'
import { requiredTopics } from './topology.ts'

/** Raises the group epoch when it must be, or when topics, topology or settings are not what they were. */
export function raiseEpoch(turn: StreamsTurn, configured: ConfiguredTopology, mustRaise: boolean): void {
  const { facts } = turn.group
  const now: Omit<GroupFacts, 'epoch'> = {
    metadataHash: topicsHash(requiredTopics(configured.topology), turn.topics),
    validatedTopologyEpoch: configured.problem ? -1 : configured.topology.epoch,
    assignmentConfigs: [{ key: 'num.standby.replicas', value: String(turn.settings.numStandbyReplicas) }],
  }
  if (!mustRaise && isDeepStrictEqual({ ...now, epoch: facts.epoch }, { ...facts })) return
  // The epoch before the first is of those who wait for it.
  const epoch = facts.epoch === 0 ? 2 : facts.epoch + 1
  turn.write({ type: 'group', value: { ...now, epoch } })
  if (turn.isDelayed && turn.group.targetEpoch === 0) turn.write({ type: 'target-epoch', value: 1 })
}

/** Deals anew when the group has changed since. While its topics do not fit, nobody has anything. */
export function updateTarget(turn: StreamsTurn, configured: ConfiguredTopology): void {
  const { group, settings } = turn
  if (group.epoch <= group.targetEpoch || turn.isDelayed) return
  const members = new Map(
    Array.from(group.members.values(), ({ id, details: { processId } }) => [
      id,
      { processId, before: group.target(id) },
    ]),
  )
  const dealt: ReadonlyMap<string, Tasks> = configured.problem
    ? new Map(Array.from(members.keys(), id => [id, nowhere]))
    : assignTasks({ subtopologies: configured.subtopologies, members, standbys: settings.numStandbyReplicas })
  const { epoch } = group
  for (const [memberId, target] of dealt) {
    const before = group.targets.get(memberId)
    if (!before || !samePlaces(before, target)) turn.write({ type: 'target', memberId, value: target })
  }
  turn.write({ type: 'target-epoch', value: epoch })
}

/** Takes a member as far towards its target as it can go now. Nothing but its tasks: those it had are told to be given up first. */
export function advance(turn: StreamsTurn, memberId: string, owned: Tasks | null): StreamsMember {
  const { group } = turn
  const member = group.members.get(memberId)!
  const current = reconcile(member.current, {
    epoch: group.targetEpoch,
    target: group.target(memberId),
    wants: () => true,
    isTaken: (key, partition) => group.isTakenFrom(memberId, key, partition),
    hasNewSubscription: false,
    reported: owned,
  })
  if (current === member.current) return member
  turn.write({ type: 'current', memberId, value: current })
  const mustGiveUp = current.state === 'unrevoked'
  turn.deadline(`revoke:${memberId}`, mustGiveUp ? member.details.rebalanceTimeoutMs : null)
  if (member.details.userEndpoint !== null && !samePlaces(current.assigned, member.current.assigned))
    turn.movesEndpoints = true
  return { ...member, current }
}
