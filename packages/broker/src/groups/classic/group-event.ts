import type { ErrorCode } from '@odradek/protocol'
import type { Protocol, Ticket } from './group.ts'
import type { StoredGroup } from './stored-group.ts'

/** What can happen to a group: requests of members, deadlines that pass, and the answer of the store. */
export type GroupEvent =
  | JoinEvent
  | SyncEvent
  | ({ readonly type: 'heartbeat' } & Claim)
  | CommitEvent
  | LeaveEvent
  | { readonly type: 'delete'; readonly ticket: Ticket }
  /** A member (or pending member) was silent for its session timeout. */
  | { readonly type: 'sessionExpired'; readonly memberId: string }
  /** Somebody left while the group was of another kind. */
  | { readonly type: 'membersChanged' }
  | { readonly type: 'joinTimedOut' }
  | { readonly type: 'syncTimedOut' }
  /** What this generation asked to `store` is durable, or failed. */
  | { readonly type: 'stored'; readonly generation: number; readonly error: ErrorCode }
  /** A Dead group could not be removed from the store, so it lives on. */
  | { readonly type: 'removalFailed' }

export type GroupEventType = GroupEvent['type']

/** Who a request says it is from. */
export interface Claim {
  readonly ticket: Ticket
  readonly memberId: string
  readonly instanceId: string | null
  readonly generation: number
}

export interface CommitEvent extends Claim {
  readonly type: 'commit'
  /** TxnOffsetCommit. */
  readonly isTransactional: boolean
}

export interface JoinEvent {
  readonly type: 'join'
  readonly ticket: Ticket
  /** Empty for a newcomer. */
  readonly memberId: string
  /** The id a newcomer gets; chosen outside, where chance lives. */
  readonly freshMemberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly Protocol[]
  /** JoinGroup v4+: a newcomer is told its id and must come back with it (KIP-394). */
  readonly mustKnowItsId: boolean
  /** JoinGroup v9+: a leader can be told not to assign (KIP-814). */
  readonly maySkipAssignment: boolean
}

export interface SyncEvent extends Claim {
  readonly type: 'sync'
  /** Null: not said (before v5). */
  readonly protocolType: string | null
  readonly protocolName: string | null
  /** By member id; only the leader's count. */
  readonly assignments: ReadonlyMap<string, Uint8Array>
}

export interface LeaveEvent {
  readonly type: 'leave'
  readonly ticket: Ticket
  readonly members: readonly Identity[]
}

/** A member by its id, or, when that is empty, by its instance id. */
export interface Identity {
  readonly memberId: string
  readonly instanceId: string | null
}

/** What a step asks of the world around it, in order. */
export type Effect =
  | { readonly type: 'reply'; readonly ticket: Ticket; readonly reply: Reply }
  /** Sets or moves a deadline. */
  | { readonly type: 'deadline'; readonly name: DeadlineName; readonly inMs: number }
  | { readonly type: 'noDeadline'; readonly name: DeadlineName }
  /**
   * Persist, then give `replies` (when it failed: refusals), then send the machine `stored` with this generation. Null: remove the
   * group and its offsets; only a failure of that comes back to the machine, as `removalFailed`.
   */
  | {
      readonly type: 'store'
      readonly generation: number
      readonly group: StoredGroup | null
      readonly replies: readonly Answer[]
    }

export interface Answer {
  readonly ticket: Ticket
  readonly reply: Reply
}

/** 'join': the barrier of a rebalance; 'sync': members that joined must sync; 'session:ID': a member must give a sign of life. */
export type DeadlineName = 'join' | 'sync' | `session:${string}`

export type Reply = JoinReply | SyncReply | PlainReply | LeaveReply

export interface PlainReply {
  readonly type: 'plain'
  readonly error: ErrorCode
}

export interface LeaveReply {
  readonly type: 'leave'
  readonly error: ErrorCode
  readonly members: readonly (Identity & { readonly error: ErrorCode })[]
}

export interface JoinReply {
  readonly type: 'join'
  readonly error: ErrorCode
  readonly memberId: string
  readonly generation: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string
  readonly skipAssignment: boolean
  /** Everybody, for the leader; nobody, for the others. */
  readonly members: readonly {
    readonly memberId: string
    readonly instanceId: string | null
    readonly metadata: Uint8Array
  }[]
}

export interface SyncReply {
  readonly type: 'sync'
  readonly error: ErrorCode
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Uint8Array
}
