import { classicRecord } from '../classic/classic-records.ts'
import { emptyGroup, type Group, type Member } from '../classic/group.ts'
import { chooseProtocol } from '../classic/protocol-vote.ts'
import { storedGroup } from '../classic/stored-group.ts'
import { isReconciledTo } from '../current-assignment.ts'
import type { TopicsView } from '../topics-view.ts'
import type { ConsumerMember } from './consumer-member.ts'
import { groupTombstones } from './consumer-part.ts'
import { writeAssignment } from './consumer-protocol.ts'
import type { ConsumerTurn } from './consumer-turn.ts'

/** Only members of the classic protocol will be left, and some of them. */
export function mayBecomeClassic({ group, settings }: ConsumerTurn, leaving: readonly ConsumerMember[]): boolean {
  const { migration, classicMaxSize } = settings
  const left = group.members.size - leaving.length
  if (left === 0 || left > classicMaxSize || migration === 'disabled' || migration === 'upgrade') return false
  const gone = new Set(leaving.map(({ id }) => id))
  for (const { id, details } of group.members.values()) if (details.classic === null && !gone.has(id)) return false
  return true
}

/** The last member of the new protocol goes, and the group is a classic one again, whose members deal anew among themselves. */
export function becomeClassic(turn: ConsumerTurn, leaving: readonly ConsumerMember[] = []): void {
  const { group } = turn
  const gone = new Set(leaving.map(({ id }) => id))
  const staying = [...group.members.values()].filter(({ id }) => !gone.has(id))
  const classic = classicGroup(turn, staying)
  const mustRebalance = leaving.length > 0 || staying.some(member => !isReconciledTo(member, group.epoch))
  for (const { id } of staying) turn.noDeadlines(id)
  for (const tombstone of groupTombstones(group)) turn.writeRecord(tombstone)
  turn.also(classicRecord(storedGroup(classic)))
  turn.becomes = { group: classic, mustRebalance }
}

function classicGroup({ group, topics, now }: ConsumerTurn, staying: readonly ConsumerMember[]): Group {
  const members = new Map(staying.map(member => [member.id, classicMember(member, topics)]))
  return {
    ...emptyGroup(group.id, now),
    state: 'Stable',
    generation: group.epoch,
    protocolType: 'consumer',
    protocolName: chooseProtocol(members),
    leader: staying[0]!.id,
    members,
  }
}

function classicMember({ id, details, current }: ConsumerMember, topics: TopicsView): Member {
  const { sessionTimeoutMs, protocols } = details.classic!
  return {
    id,
    instanceId: details.instanceId,
    clientId: details.clientId,
    clientHost: details.clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs: details.rebalanceTimeoutMs,
    protocols,
    assignment: writeAssignment(current.assigned, protocols[0]!.metadata, topics),
    joining: null,
    syncing: null,
    isNew: false,
    hasSynced: true,
  }
}
