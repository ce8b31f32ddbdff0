/** The rules of SyncGroup: followers wait, the leader's assignments are stored, then everybody gets its own. */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import { type Group, type Member, noBytes } from './group.ts'
import type { GroupEvent, SyncEvent, SyncReply } from './group-event.ts'
import { identifyInGeneration } from './identity.ts'
import { rebalance, resetAssignments } from './rebalance.ts'
import { refusedSync, type Turn } from './turn.ts'

/** The member that syncs; undefined when it has been refused. */
function admitSync(turn: Turn, event: SyncEvent): Member | undefined {
  const { group } = turn
  const member = identifyInGeneration(group, event)
  const error =
    typeof member === 'number'
      ? member
      : (event.protocolType !== null && event.protocolType !== group.protocolType) ||
          (event.protocolName !== null && event.protocolName !== group.protocolName)
        ? ErrorCodes.INCONSISTENT_GROUP_PROTOCOL
        : null
  if (error === null) return member as Member
  turn.reply(event.ticket, refusedSync(error))
  return undefined
}

export function syncWhilePreparing(turn: Turn, event: SyncEvent): void {
  if (admitSync(turn, event)) turn.reply(event.ticket, refusedSync(ErrorCodes.REBALANCE_IN_PROGRESS))
}

export function syncWhileCompleting(turn: Turn, event: SyncEvent): void {
  const { group } = turn
  const member = admitSync(turn, event)
  if (!member) return
  turn.parkSync(member, event.ticket)
  noSyncDeadlineWhenAllSynced(turn)
  if (group.leader !== member.id) return
  for (const other of group.members.values())
    turn.update(other, { assignment: event.assignments.get(other.id) ?? noBytes })
  turn.store()
}

export function syncWhileStable(turn: Turn, event: SyncEvent): void {
  const member = admitSync(turn, event)
  if (!member) return
  turn.watch(turn.update(member, { hasSynced: true }))
  noSyncDeadlineWhenAllSynced(turn)
  turn.reply(event.ticket, share(turn.group, member))
}

/** The leader's assignments are durable, so they hold. If they are not, the group deals anew. */
export function assignmentsStored(turn: Turn, event: GroupEvent & { type: 'stored' }): void {
  const { group } = turn
  // A generation that has been given up meanwhile has no use for its assignments.
  if (event.generation !== group.generation) return
  if (event.error === ErrorCodes.NONE) handOut(turn)
  else {
    resetAssignments(turn, event.error)
    rebalance(turn)
  }
}

function handOut(turn: Turn): void {
  const { group } = turn
  turn.to('Stable')
  for (const member of group.members.values()) {
    if (member.syncing === null) continue
    turn.reply(member.syncing, share(group, member))
    turn.watch(turn.update(member, { syncing: null }))
  }
}

/** Members that took part in the rebalance and never asked for their share are gone. */
export function syncTimedOut(turn: Turn): void {
  const late = [...turn.group.members.values()].filter(member => !member.hasSynced)
  for (const member of late) turn.drop(member)
  if (late.length > 0) rebalance(turn)
}

function noSyncDeadlineWhenAllSynced(turn: Turn): void {
  for (const member of turn.group.members.values()) if (!member.hasSynced) return
  turn.noDeadline('sync')
}

function share(group: Pick<Group, 'protocolType' | 'protocolName'>, member: Member): SyncReply {
  const { protocolType, protocolName } = group
  const error: ErrorCode = ErrorCodes.NONE
  return { type: 'sync', error, protocolType, protocolName, assignment: member.assignment }
}
