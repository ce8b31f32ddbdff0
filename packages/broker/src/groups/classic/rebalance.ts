/**
 * How a group gets from one generation to the next: the barrier that members join, and what happens when it opens.
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import { everyoneJoined, noBytes, rebalanceTimeoutMs } from './group.ts'
import { chooseProtocol } from './protocol-vote.ts'
import { refusedSync, type Turn } from './turn.ts'

/** Somebody came, changed or went: a generation in the making is given up, one that works is due for a new one. */
export function rebalance(turn: Turn): void {
  const { group, settings } = turn
  const from = group.state
  if (from === 'CompletingRebalance') resetAssignments(turn)
  if (from !== 'PreparingRebalance') {
    turn.noDeadline('sync')
    turn.to('PreparingRebalance')
    if (from === 'Empty' && settings.initialRebalanceDelayMs > 0) gather(turn, settings.initialRebalanceDelayMs)
    else if (!everyoneJoined(group)) turn.deadline('join', rebalanceTimeoutMs(group))
  }
  openBarrierIfComplete(turn)
}

/** The group was empty: more members may be about to come. */
function gather(turn: Turn, delayMs: number): void {
  const remainingMs = Math.max(rebalanceTimeoutMs(turn.group) - delayMs, 0)
  turn.group.gathering = { delayMs, remainingMs, moreCame: false }
  turn.deadline('join', delayMs)
}

export function openBarrierIfComplete(turn: Turn): void {
  const { group } = turn
  if (group.state === 'PreparingRebalance' && group.gathering === null && everyoneJoined(group)) openBarrier(turn)
}

/** The time of the barrier is up. The first rebalance of a group waits on while members keep coming. */
export function joinTimedOut(turn: Turn): void {
  const { group, settings } = turn
  const { gathering } = group
  if (gathering?.moreCame && gathering.remainingMs > 0) {
    const delayMs = Math.min(settings.initialRebalanceDelayMs, gathering.remainingMs)
    const remainingMs = Math.max(gathering.remainingMs - gathering.delayMs, 0)
    group.gathering = { delayMs, remainingMs, moreCame: false }
    turn.deadline('join', delayMs)
  } else openBarrier(turn)
}

/** Ends PreparingRebalance with whoever is there. Static members keep their place until their session ends. */
function openBarrier(turn: Turn): void {
  const { group } = turn
  turn.noDeadline('join')
  group.gathering = null
  for (const member of [...group.members.values()])
    if (member.joining === null && member.instanceId === null) turn.drop(member)
  const leader = joinedLeader(turn)
  if (leader !== null) beginGeneration(turn, leader)
  else if (group.members.size === 0) becomeEmpty(turn)
  // Only absent static members: nobody could lead, so wait until one returns or their sessions end.
  else turn.deadline('join', rebalanceTimeoutMs(group))
}

function beginGeneration(turn: Turn, leader: string): void {
  const { group } = turn
  group.leader = leader
  group.generation++
  group.protocolName = chooseProtocol(group.members)
  turn.to('CompletingRebalance')
  for (const member of group.members.values()) {
    if (member.joining !== null) turn.reply(member.joining, turn.welcome(member))
    turn.watch(turn.update(member, { joining: null, isNew: false, hasSynced: false, assignment: noBytes }))
  }
  turn.deadline('sync', rebalanceTimeoutMs(group))
}

/** The leader stays leader when it has joined; else the first member that has. */
function joinedLeader({ group }: Turn): string | null {
  if (group.leader !== null && group.members.get(group.leader)?.joining != null) return group.leader
  for (const member of group.members.values()) if (member.joining !== null) return member.id
  return null
}

function becomeEmpty(turn: Turn): void {
  const { group } = turn
  group.generation++
  group.protocolName = null
  group.leader = null
  turn.to('Empty')
  turn.store()
}

/** Takes back assignments that have not been handed out; whoever waits for one must join again. */
export function resetAssignments(turn: Turn, error: ErrorCode = ErrorCodes.REBALANCE_IN_PROGRESS): void {
  for (const member of turn.group.members.values()) {
    if (member.syncing !== null) turn.reply(member.syncing, refusedSync(error))
    const waited = member.syncing !== null
    const reset = turn.update(member, { syncing: null, assignment: noBytes })
    if (waited) turn.watch(reset)
  }
}
