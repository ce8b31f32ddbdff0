import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { GroupSettings } from '../group-settings.ts'
import type { Group, GroupState } from './group.ts'
import type { Effect, GroupEvent, GroupEventType } from './group-event.ts'
import { join } from './joining.ts'
import { commit, commitWhileEmpty, heartbeat, leave, sessionExpired } from './membership.ts'
import { joinTimedOut, rebalance } from './rebalance.ts'
import { assignmentsStored, syncTimedOut, syncWhileCompleting, syncWhilePreparing, syncWhileStable } from './syncing.ts'
import { refusedJoin, refusedSync, Turn } from './turn.ts'

/**
 * The machine of a classic group: `(group, event) → (group', effects)`, for every state and every event. It awaits nothing, reads no
 * clock and tosses no coin: `now` (wall time) and fresh ids come with the event.
 */
export function step(group: Group, event: GroupEvent, settings: GroupSettings, now: number): Step {
  const turn = new Turn(group, settings, now)
  const rule = transitions[group.state][event.type] as (turn: Turn, event: GroupEvent) => void
  rule(turn, event)
  return { group: turn.group, effects: turn.effects }
}

export interface Step {
  readonly group: Group
  readonly effects: readonly Effect[]
}

type Rules = { readonly [T in GroupEventType]: (turn: Turn, event: GroupEvent & { readonly type: T }) => void }

const nothing = (): void => {}
const { NONE, REBALANCE_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE } = ErrorCodes

/** What happens in which state. */
export const transitions: { readonly [S in GroupState]: Rules } = {
  Empty: {
    join,
    sync: syncWhilePreparing,
    heartbeat: heartbeat(NONE),
    commit: commitWhileEmpty,
    leave,
    delete: die,
    sessionExpired,
    membersChanged: nothing,
    joinTimedOut: nothing,
    syncTimedOut: nothing,
    stored: nothing,
    removalFailed: nothing,
  },
  PreparingRebalance: {
    join,
    sync: syncWhilePreparing,
    heartbeat: heartbeat(REBALANCE_IN_PROGRESS),
    commit: commit(NONE),
    leave,
    delete: refuseDeletion,
    sessionExpired,
    membersChanged: nothing,
    joinTimedOut,
    syncTimedOut: nothing,
    stored: nothing,
    removalFailed: nothing,
  },
  CompletingRebalance: {
    join,
    sync: syncWhileCompleting,
    heartbeat: heartbeat(NONE),
    commit: commit(REBALANCE_IN_PROGRESS),
    leave,
    delete: refuseDeletion,
    sessionExpired,
    membersChanged: rebalance,
    joinTimedOut: nothing,
    syncTimedOut,
    stored: assignmentsStored,
    removalFailed: nothing,
  },
  Stable: {
    join,
    sync: syncWhileStable,
    heartbeat: heartbeat(NONE),
    commit: commit(NONE),
    leave,
    delete: refuseDeletion,
    sessionExpired,
    membersChanged: rebalance,
    joinTimedOut: nothing,
    syncTimedOut,
    stored: nothing,
    removalFailed: nothing,
  },
  Dead: {
    // It is being removed: whoever comes now asks again and finds a new group.
    join: (turn, event) => turn.reply(event.ticket, refusedJoin(COORDINATOR_NOT_AVAILABLE, event.memberId)),
    sync: (turn, event) => turn.reply(event.ticket, refusedSync(COORDINATOR_NOT_AVAILABLE)),
    heartbeat: unavailable,
    commit: unavailable,
    leave: (turn, event) => turn.reply(event.ticket, { type: 'leave', error: COORDINATOR_NOT_AVAILABLE, members: [] }),
    delete: (turn, event) => turn.plain(event.ticket, ErrorCodes.GROUP_ID_NOT_FOUND),
    sessionExpired: nothing,
    membersChanged: nothing,
    joinTimedOut: nothing,
    syncTimedOut: nothing,
    stored: nothing,
    removalFailed: turn => turn.to('Empty'),
  },
}

function die(turn: Turn, { ticket }: { readonly ticket: number }): void {
  for (const id of [...turn.group.pending]) turn.dropPending(id)
  turn.to('Dead')
  turn.store([{ ticket, reply: { type: 'plain', error: NONE satisfies ErrorCode } }])
}

function refuseDeletion(turn: Turn, { ticket }: { readonly ticket: number }): void {
  turn.plain(ticket, ErrorCodes.NON_EMPTY_GROUP)
}

function unavailable(turn: Turn, { ticket }: { readonly ticket: number }): void {
  turn.plain(ticket, COORDINATOR_NOT_AVAILABLE)
}
