/**
 * The one engine under `for await`, `batches()`, `run()`, `kafka.read()` and Streams: a poll loop that somebody else turns.
 *
 *            subscribe / assign
 *                   │
 *    poll ──► rebalance hooks ──► records that have arrived ──► caller ──► commit
 *                                        ▲
 *             long polls, one or two per broker, always under way
 *
 * What happens without the caller: heartbeats, JoinGroup and SyncGroup, long polls into a buffer bounded in bytes, lookups of offsets.
 * What happens only inside `poll` and `close`: the hooks. A caller is therefore never surprised between two polls: a partition that
 * it was handed stays its own until it polls again or until the group has given up on it (see `onLost`).
 *
 * Invariants
 *  - Records of one partition are handed out in order, each once per position; `position` is the offset after the last one handed out.
 *  - Nothing is handed out for a partition that is not assigned, is paused, or was moved by `seek` since it was fetched.
 *  - The hooks see every partition exactly once per stay: onAssigned, then onRevoked or onLost.
 */
import type { LazyRecord } from '@odradek/protocol'
import type { Assignor } from './assignors/assignor.ts'
import type { TopicPartition } from './topic-partition.ts'

export interface EngineOptions {
  /** Without a group the engine only takes `assign`, and commits nothing. */
  group?: string
  /** Static membership (KIP-345): a restart within the session timeout causes no rebalance. */
  groupInstanceId?: string
  /**
   * How members of the group agree who reads what. 'consumer': the broker assigns (KIP-848); who keeps its partitions is not disturbed
   * by others that come and go. 'classic': a member assigns, between rounds in which all join anew. Default 'auto': 'consumer' where
   * the broker offers it, unless an option is given that only the classic protocol has (`assignors`, `sessionTimeoutMs`,
   * `heartbeatIntervalMs`); classic elsewhere, and in groups that the broker does not convert.
   */
  groupProtocol?: 'auto' | 'consumer' | 'classic'
  /** With the consumer protocol: which of the broker's assignors, e.g. 'uniform' or 'range'. Default: the group's, or the broker's first. */
  serverAssignor?: string
  /** For the classic protocol, in order of preference. Default: cooperative-sticky. All of them must be cooperative for rebalances to be incremental. */
  assignors?: readonly Assignor[]
  /** Where to begin when there is no committed offset, or when the position is gone. Default: 'latest'. */
  from?: StartPosition
  isolation?: 'read_uncommitted' | 'read_committed'
  /** Classic protocol. Default 45,000. The group forgets a member that sends no heartbeat for this long. */
  sessionTimeoutMs?: number
  /** Classic protocol. Default 3,000. */
  heartbeatIntervalMs?: number
  /** Default 300,000: the time between two polls after which the member leaves the group; also the time a rebalance waits for it. */
  maxPollIntervalMs?: number
  /** Default 500. How long a broker may hold a fetch that finds nothing. */
  maxWaitMs?: number
  /** Default 1. */
  minBytes?: number
  /** Default 1 MiB: bytes a fetch returns of one partition. A larger batch is returned nevertheless. */
  partitionMaxBytes?: number
  /** Default 32 MiB: beyond this many fetched bytes that nobody has taken, no more are fetched. */
  bufferBytes?: number
  /** Default true: compare each batch's CRC-32C. */
  checkCrcs?: boolean
  /** Allows brokers to point to a nearer replica (KIP-392). */
  rackId?: string
  /** Default 300,000: transient failures are retried for this long without a success before they end the engine. */
  retryForMs?: number
  /** Default true: let a broker that is configured so make topics that are subscribed to and missing. */
  autoCreateTopics?: boolean
  /** Default 60,000: how often topics are looked at for new partitions. */
  metadataMaxAgeMs?: number
  hooks?: EngineHooks
}

/**
 * Where a partition without a committed offset begins, and where it goes on when its position has been deleted.
 * `fail` ends the engine with an error; `offsets` begins at those given (key `topic-partition`), and `earliest` elsewhere.
 */
export type StartPosition =
  | 'earliest'
  | 'latest'
  | 'fail'
  | { timestamp: number }
  | { offsets: ReadonlyMap<string, number> | Readonly<Record<string, number>> }

/** Awaited: the rebalance waits for them. They run inside `poll` or `close`, one at a time. A hook that throws ends the engine. */
export interface EngineHooks {
  onAssigned?(partitions: readonly TopicPartition[]): void | Promise<void>
  /** The partitions are still owned: this is the time to commit. */
  onRevoked?(partitions: readonly TopicPartition[]): void | Promise<void>
  /** The partitions may already belong to somebody else: commits for them will fail. */
  onLost?(partitions: readonly TopicPartition[]): void | Promise<void>
  /** Told at once, outside `poll`, when `onLost` is to follow at the next one: work on these partitions is in vain. Must not throw. */
  onDoomed?(partitions: readonly TopicPartition[]): void
  /**
   * Told at once, outside `poll`, when a position is of no use any more: where to go on. Undefined: as `from` says, or where the log was
   * truncated. Records of the new position come in later polls only. What it throws ends the engine.
   */
  onPositionLost?(lost: LostPosition): StartPosition | undefined
}

export interface LostPosition extends TopicPartition {
  readonly reason: string
  /** The log ends here, before the position: a new leader does not have all that was read. Undefined: the log does not have the position. */
  readonly truncatedTo?: number
}

/** Records of one partition and one leader epoch, in order. The bytes of a record stay valid for as long as they are referenced, and pin the fetched buffer. */
export interface PartitionBatch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly LazyRecord[]
  /** Offset after the last record handed out, and after what was skipped behind it. */
  readonly nextOffset: number
  /** Leader epoch of all these records, -1 when unknown: commit it with the offset. */
  readonly leaderEpoch: number
  /** First offset that could not be read when the records were fetched; with read_committed, the last stable offset. */
  readonly endOffset: number
}

export interface OffsetToCommit extends TopicPartition {
  /** Of the next record to process: last processed + 1. */
  offset: number
  leaderEpoch?: number
  metadata?: string | null
}

export interface CommittedOffset extends TopicPartition {
  offset: number
  leaderEpoch: number
  metadata: string | null
}

/** Who this engine is in its group, as transactions need it (TxnOffsetCommit). `generation`, with the consumer protocol the member's epoch, is -1 for whoever is no member. */
export interface GroupMembership {
  groupId: string
  memberId: string
  groupInstanceId: string | null
  generation: number
  /** False: partitions were assigned by hand, and offsets are only stored in the group. */
  isSubscribed?: boolean
}

export type EngineState = 'idle' | 'joining' | 'running' | 'stalled' | 'failed' | 'closed'

export interface EngineHealth {
  state: EngineState
  /** Milliseconds since the last poll began; null before the first. */
  sinceLastPollMs: number | null
  /** Milliseconds since a record was last handed out or a position moved. */
  sinceLastProgressMs: number | null
  assignment: TopicPartition[]
  /** Records behind the end, over all partitions whose end is known. */
  lag: number
  /** Set once the state is `failed`. */
  error?: Error
}

export interface ConsumerEngine {
  /**
   * Joins the group for these topics; again with others: changes the subscription. A topic that does not exist yet is waited for. An
   * expression stands for all topics, those to come too, for whose name its `test` is true.
   * Returns at once, the joining happens under `poll`.
   */
  subscribe(topics: readonly string[] | RegExp): void
  /** Takes partitions without a group's leave. Those that were assigned before and are not named are dropped; the others go on. */
  assign(partitions: readonly TopicPartition[]): void

  /**
   * Runs due hooks, then hands out what has been fetched, at most `maxRecords` (default 500) in all and in fair turns. Waits up to
   * `maxMs` for something: records, a hook, or a position that moved over records nobody sees (then the answer is empty).
   * Throws what ended the engine, and keeps throwing it. The signal makes it return early and empty.
   */
  poll(maxMs: number, options?: { maxRecords?: number; signal?: AbortSignal }): Promise<PartitionBatch[]>

  /**
   * True when a rebalance waits for the next `poll`, or half of the maximum poll interval has passed: whoever works through a long list
   * of records should stop and poll (with `maxRecords` 0 for nothing but that).
   */
  readonly wantsPoll: boolean

  /**
   * Commits offsets for the group; retries what is transient, waits out rebalances. Throws a ProtocolError when the partitions are no
   * longer this member's.
   * An offset lower than one committed here before is left out, unless `seek` went back.
   */
  commit(offsets: readonly OffsetToCommit[], options?: { signal?: AbortSignal }): Promise<void>
  committed(
    partitions: readonly TopicPartition[],
    options?: { signal?: AbortSignal },
  ): Promise<(CommittedOffset | null)[]>

  assignment(): TopicPartition[]
  /** The offset the next poll hands out; undefined while it is being looked up. */
  position(at: TopicPartition): number | undefined
  /** Drops what was fetched. The partition must be assigned. */
  seek(at: TopicPartition, to: number | 'earliest' | 'latest' | { timestamp: number }): void
  /** Paused partitions are not fetched and not handed out; what was fetched is kept. */
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  paused(): TopicPartition[]
  /** Records between position and end as last seen; undefined while unknown. */
  lag(at: TopicPartition): number | undefined

  /** Asked of the brokers. A timestamp later than every record answers null. */
  offsetsFor(
    partitions: readonly TopicPartition[],
    at: 'earliest' | 'latest' | { timestamp: number },
    options?: { signal?: AbortSignal },
  ): Promise<(number | null)[]>
  /** Number of partitions; 0 when the topic does not exist. */
  partitionsOf(topic: string, options?: { signal?: AbortSignal }): Promise<number>

  membership(): GroupMembership
  /** Makes this member join again, e.g. because what its assignor would send along has changed. */
  requestRejoin(reason: string): void

  health(): EngineHealth
  /** Runs onRevoked for what is owned, leaves the group (static members stay known), stops fetching. Never throws for network reasons. */
  close(options?: { leaveGroup?: boolean; signal?: AbortSignal }): Promise<void>
}
