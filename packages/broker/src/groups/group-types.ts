import type { ErrorCode } from '@odradek/protocol'
import type {
  Identity,
  JoinEvent,
  JoinReply,
  LeaveReply,
  PlainReply,
  SyncEvent,
  SyncReply,
} from './classic/group-event.ts'
import type { CommittedOffset, Place } from './committed-offset.ts'
import type { GroupLog } from './group-log.ts'

/**
 * The kinds of groups, as Kafka prints them. All share one namespace of ids: a group is of one kind at a time, and so is a group that
 * is Empty.
 */
export type GroupTypeName = 'classic' | 'consumer' | 'share' | 'streams'

/** What a kind of group offers to the parts that all kinds have in common (`Groups`): listing, deletion, committed offsets. */
export interface GroupType {
  readonly name: GroupTypeName
  /** Takes up what the log has: a restart is no rebalance. Called once, before anything else. */
  load(log: GroupLog): void
  find(groupId: string): CoordinatedGroup | undefined
  groups(): Iterable<CoordinatedGroup>
  /**
   * Removes a group and its offsets: NON_EMPTY_GROUP when it may not go. From the moment it is decided, nobody joins or commits before
   * all is forgotten: `log.write(groupId, image => image.removal(groupId))`.
   */
  delete(groupId: string): Promise<ErrorCode>
  /** Requests of the classic protocol, where members that speak it are let in. Without it they are refused. */
  readonly classicMembers?: ClassicMembers
  /** Whoever waits is answered, and no deadline passes any more. What can be answered at once still is. */
  close(): void
}

/** A group of any kind, as it is now. */
export interface CoordinatedGroup {
  readonly id: string
  readonly type: GroupTypeName
  /** As Kafka prints it: 'Empty', 'Stable', 'Reconciling', … */
  readonly state: string
  /** For ListGroups: 'consumer', 'connect', 'share', …; empty for a group that only has offsets. */
  readonly protocolType: string
  /**
   * May whoever this is commit offsets now, in this turn? Commits can be signs of life. UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION,
   * STALE_MEMBER_EPOCH, FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS; GROUP_ID_NOT_FOUND for a kind that commits no offsets.
   */
  admitCommit(claim: CommitClaim, places: readonly Place[]): ErrorCode
  /** May whoever this is ask for committed offsets (OffsetFetch v9+)? */
  admitFetch(claim: FetchClaim): ErrorCode
  /** Offsets of such topics are not deleted (OffsetDelete), nor do they expire. When it cannot be known: true. */
  isSubscribedTo(topic: string): boolean
  /** OffsetDelete as a whole: NON_EMPTY_GROUP where members may read anything. */
  admitOffsetDelete(): ErrorCode
  /** When the retention of an offset begins to count; null: not while the group is as it is. */
  retainedFrom(committed: CommittedOffset): number | null
  /** It goes with its last offset. */
  readonly isAbandoned: boolean
}

export interface CommitClaim extends Identity {
  /** Or member epoch; -1: not said. */
  readonly generation: number
  readonly isTransactional: boolean
  /** Of OffsetCommit or TxnOffsetCommit. */
  readonly apiVersion: number
}

export interface FetchClaim {
  /** Null: not said. */
  readonly memberId: string | null
  /** -1: not said. */
  readonly memberEpoch: number
}

export type MaybeLater<T> = T | Promise<T>
export type Question<E> = Omit<E, 'type' | 'ticket'>

/** JoinGroup, SyncGroup, Heartbeat and LeaveGroup. */
export interface ClassicMembers {
  join(groupId: string, request: JoinRequest): MaybeLater<JoinReply>
  sync(groupId: string, request: Question<SyncEvent>): MaybeLater<SyncReply>
  heartbeat(groupId: string, claim: Identity & { readonly generation: number }): MaybeLater<PlainReply>
  leave(groupId: string, members: readonly Identity[]): MaybeLater<LeaveReply>
}

export type JoinRequest = Omit<Question<JoinEvent>, 'freshMemberId'>
