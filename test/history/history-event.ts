/**
 * What a client saw, in the order it happened: a plain list, so that it can come from a simulation, from processes, or from a file.
 *
 *     send ──▶ sent          the broker said where it is
 *          ──▶ send-failed   certainly not written: nobody may ever read it
 *          ──▶ send-unknown  or nothing at all: perhaps written, perhaps later
 *
 * A `value` names one record for ever: no two sends share one. A `partition` names one partition of one topic for ever: a topic that is
 * deleted and made again has other partitions. A `process` does one thing after the other.
 */
export type HistoryEvent =
  | SendEvent
  | SentEvent
  | SendFailedEvent
  | SendUnknownEvent
  | PollEvent
  | AssignEvent
  | UnassignEvent
  | OwnedEvent
  | SeekEvent
  | TrimEvent
  | TrimmedEvent
  | LogStartEvent
  | CommitEvent
  | CommittedEvent
  | FetchCommittedEvent
  | FetchedCommittedEvent
  | BeginEvent
  | EndTransactionEvent
  | EndEvent
  | RotEvent
  | RefusedEvent
  | RotServedEvent
  | ProcessedEvent
  | QueueJoinEvent
  | DeliveryEvent
  | SettleEvent
  | SettledEvent
  | QueueServedEvent

export interface SendEvent {
  kind: 'send'
  process: string
  value: string
  /** When it is known before the answer. */
  partition?: string
  /** Of a record in a compacted topic. */
  key?: string
  /** A record that says its key is deleted. */
  tombstone?: boolean
  /** Default true: once answered, it survives. False for acks=1 and acks=0. */
  durable?: boolean
  /** Default true: written once, however often it was sent. False for producers that are not idempotent. */
  once?: boolean
  /** Default true: the process's records stand in the order of their sends. */
  ordered?: boolean
  transaction?: string
  /** The input record it was made of, as partition@offset: to be done once for each. */
  effectOf?: string
  /** Milliseconds since any start; only compaction's delays look at it. */
  at?: number
}

export interface SentEvent {
  kind: 'sent'
  value: string
  partition: string
  /** -1: the answer does not say (acks=0, or a duplicate long forgotten). */
  offset: number
}

export interface SendFailedEvent {
  kind: 'send-failed'
  value: string
  reason?: string
}

export interface SendUnknownEvent {
  kind: 'send-unknown'
  value: string
  reason?: string
}

export interface Polled {
  partition: string
  offset: number
  value: string
}

/** The records of one poll, in the order they were given out. */
export interface PollEvent {
  kind: 'poll'
  process: string
  records: readonly Polled[]
  /** Reads only what was committed. */
  transaction?: string
}

/** The process reads these partitions from now on, too, from wherever it was told to; what it read of them before no longer binds it. */
export interface AssignEvent {
  kind: 'assign'
  process: string
  partitions: readonly string[]
  /** As a member of this group, which is to read everything. */
  group?: string
  /** Of the group, or the member's epoch; below 1: it does not know. */
  generation?: number
}

/** The process reads these partitions no longer: it has given them up, or learns that they were taken from it. */
export interface UnassignEvent {
  kind: 'unassign'
  process: string
  partitions: readonly string[]
  group: string
}

/**
 * The group has taken the process for a member that it has known since these partitions were assigned (it took its commit, say), at some
 * time after the event at `since`.
 */
export interface OwnedEvent {
  kind: 'owned'
  process: string
  partitions: readonly string[]
  group: string
  since: number
}

/** The process goes elsewhere in this partition, asked or by a reset. */
export interface SeekEvent {
  kind: 'seek'
  process: string
  partition: string
}

/** From here on, records before the offset may be gone: DeleteRecords was called, or retention was seen at work. */
export interface TrimEvent {
  kind: 'trim'
  partition: string
  before: number
}

/** DeleteRecords was answered: from here on no log start may be before the offset. */
export interface TrimmedEvent {
  kind: 'trimmed'
  partition: string
  before: number
}

/** ListOffsets said where the log starts. `since`: the place in the history where it was asked; the event's own when absent. */
export interface LogStartEvent {
  kind: 'log-start'
  partition: string
  offset: number
  since?: number
}

/** An offset is about to be committed. */
export interface CommitEvent {
  kind: 'commit'
  group: string
  partition: string
  offset: number
  process?: string
}

/** It was answered. */
export interface CommittedEvent {
  kind: 'committed'
  group: string
  partition: string
  offset: number
  process?: string
}

/** Somebody asks what is committed. */
export interface FetchCommittedEvent {
  kind: 'fetch-committed'
  id: string
}

/** The answer; -1: nothing is. */
export interface FetchedCommittedEvent {
  kind: 'fetched-committed'
  id: string
  group: string
  partition: string
  offset: number
}

export interface BeginEvent {
  kind: 'begin'
  process: string
  transaction: string
}

/** `unknown`: nobody told how it ended. */
export interface EndTransactionEvent {
  kind: 'end-transaction'
  transaction: string
  outcome: 'committed' | 'aborted' | 'unknown'
}

/**
 * When all is over and the log is at rest, `process` has read this partition from its start to its end. What is not among its polls is
 * not in the log.
 */
export interface EndEvent {
  kind: 'end'
  process: string
  partition: string
  logStart: number
  highWatermark: number
  at?: number
}

/** Durable bytes of the batch with these records have changed: from here on they may be refused. */
export interface RotEvent {
  kind: 'rot'
  partition: string
  from: number
  /** The first offset after them. */
  to: number
}

/** The broker has answered that what is at this offset is damaged. */
export interface RefusedEvent {
  kind: 'refused'
  partition: string
  offset: number
}

/** The broker has handed out a batch that does not match its checksum. */
export interface RotServedEvent {
  kind: 'rot-served'
  partition: string
  offset: number
}

/** When all is over: how far a group that processes exactly once has come in this partition, as it has committed. */
export interface ProcessedEvent {
  kind: 'processed'
  group: string
  partition: string
  /** The first offset that is not processed. */
  until: number
}

/** The process begins to take records of a queue: all that it is given it has acquired after this. */
export interface QueueJoinEvent {
  kind: 'queue-join'
  process: string
}

/** A record of a queue is given to a process. */
export interface DeliveryEvent {
  kind: 'delivery'
  process: string
  value: string
  /** Of the deliveries of this record, as the broker counts them. */
  count: number
}

/** The process is about to say what became of a record that it was given. */
export interface SettleEvent {
  kind: 'settle'
  process: string
  value: string
  as: 'ack' | 'release' | 'reject'
}

/** The broker has taken its word. */
export interface SettledEvent {
  kind: 'settled'
  process: string
  value: string
  as: 'ack' | 'release' | 'reject'
}

/**
 * All is calm, members have been at work, and every lock and session of before is over: each record has been settled, or was delivered
 * so often that it may be given up.
 */
export interface QueueServedEvent {
  kind: 'queue-served'
  mayGiveUpAfter: number
}
