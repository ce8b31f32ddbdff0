import type { ErrorCode } from '@odradek/protocol'

/**
 * What the broker needs of a log, and all it knows of one. Nothing above this interface may know which engine is below it: no file
 * path, no segment, no "this process owns the partition".
 *
 * An engine stores record batches (format v2) as bytes; it never looks inside one beyond its header.
 */
export interface LogEngine {
  /**
   * Appends each batch to its partition, in the order given. Answers after the write (acks 0, 1) or once durable (acks -1). The
   * deadline is on the monotonic clock; a batch not answered by then is answered REQUEST_TIMED_OUT, and may yet be stored.
   */
  append(batches: readonly AppendBatch[], options: { acks: 0 | 1 | -1; deadline: number }): Promise<Appended[]>
  /** Whole batches from each offset on; see ReadRequest. */
  read(reads: readonly ReadRequest[], options: { maxBytes: number; minOne: boolean }): Promise<ReadResult[]>
  /**
   * Resolves when a partition's high watermark or log start differs from the `known` high watermark, when it is gone, or when the
   * signal aborts. May wake spuriously. Costs nothing while nothing happens.
   */
  onGrowth(partitions: readonly PartitionId[], known: readonly number[], signal: AbortSignal): Promise<void>
  /** An open partition that takes and gives nothing until a restart: its storage failed. Such ones answer KAFKA_STORAGE_ERROR. */
  isOffline(partition: PartitionId): boolean
  /** Null for a partition that is not open. */
  state(partitions: readonly PartitionId[]): Promise<(PartitionState | null)[]>
  /**
   * First offset whose timestamp is ≥ the one asked for; {-1, -1} when there is none. `'max'`: the record with the largest timestamp.
   * Rejects with a ProtocolError when it cannot look.
   */
  offsetForTime(queries: readonly { partition: PartitionId; timestamp: number | 'max' }[]): Promise<OffsetAndTime[]>
  /** End offset of the largest leader epoch ≤ the one asked for (OffsetForLeaderEpoch, KIP-279); {-1, -1} when unknown. */
  offsetForEpoch(
    queries: readonly { partition: PartitionId; epoch: number }[],
  ): Promise<{ epoch: number; endOffset: number }[]>
  /** Raises the log start offset (DeleteRecords); durable when answered. -1 means the high watermark. */
  trim(queries: readonly { partition: PartitionId; before: number }[]): Promise<Trimmed[]>
  producers(partition: PartitionId): Promise<ProducerInfo[]>
  /** Opens or creates the partitions of a topic. */
  open(topic: TopicSpec): Promise<void>
  /** Deletes the topic's partitions and their bytes. */
  drop(topicId: Uuid): Promise<void>
  configure(partitions: readonly PartitionId[], config: LogConfig): void
  /** With `drain`, waits for what is not durable yet and leaves a clean-shutdown mark. */
  close(options: { drain: boolean }): Promise<void>
}

/** Dense and internal. (topic id, index) ⇄ PartitionId is the cluster store's. */
export type PartitionId = number
/** 36 characters, lower case, with hyphens. */
export type Uuid = string

export interface AppendBatch {
  partition: PartitionId
  /** Exactly one record batch v2, validated by the caller. The engine patches base offset and leader epoch in place. */
  bytes: Uint8Array
  recordCount: number
  /** The batch's lastOffsetDelta + 1: how many offsets it takes. */
  offsetCount: number
  maxTimestamp: number
  /** -1n: not idempotent, and the next two are meaningless. */
  producerId: bigint
  producerEpoch: number
  baseSequence: number
  transactional: boolean
  /** A producer that the partition does not know must begin with sequence 0; by default it may begin anywhere. */
  beginsAtZero?: boolean
  /** A transaction marker, written by the broker itself. TRANSACTION_COORDINATOR_FENCED when a later coordinator has written one before. */
  control: boolean
  /** A marker whose epoch is above that of everything it ends: refused where a transaction of its own epoch is open. */
  endsEarlierEpoch?: boolean
}

export type Appended =
  | { ok: true; baseOffset: number; logStartOffset: number; duplicate: boolean; appendTime?: number }
  | { ok: false; error: ErrorCode; logStartOffset?: number }

export interface ReadRequest {
  partition: PartitionId
  offset: number
  /** Soft: the first batch is returned whole when `minOne` is set and nothing was returned before it. */
  maxBytes: number
  /** `stable`: nothing at or past the last stable offset, and `aborted` is filled. */
  isolation: 'uncommitted' | 'stable'
}

export type ReadResult =
  | {
      ok: true
      /** Whole batches; the first contains `offset` or begins after it (compaction leaves holes). Empty at the end of the log. */
      chunks: Uint8Array[]
      state: PartitionState
      /** Aborted transactions that overlap the chunks; null for `uncommitted`. */
      aborted: { producerId: bigint; firstOffset: number }[] | null
    }
  /** With CORRUPT_MESSAGE, `resumeAt` is the first offset after it that is not known to be lost. */
  | { ok: false; error: ErrorCode; state?: PartitionState; resumeAt?: number }

export interface PartitionState {
  logStartOffset: number
  /** First offset consumers must not see yet. Everything below it is durable. */
  highWatermark: number
  lastStableOffset: number
  leaderEpoch: number
  /** Size on its medium. */
  bytes: number
}

export interface OffsetAndTime {
  offset: number
  timestamp: number
  leaderEpoch: number
}

export type Trimmed = { ok: true; logStartOffset: number } | { ok: false; error: ErrorCode }

export interface ProducerInfo {
  producerId: bigint
  producerEpoch: number
  lastSequence: number
  /** Of its last batch, or marker. */
  lastTimestamp: number
  /** Of the coordinator that wrote its last marker; -1: there was none. */
  coordinatorEpoch: number
  /** -1 when no transaction is open. */
  currentTransactionStart: number
}

export interface TopicSpec {
  topicId: Uuid
  name: string
  partitions: { index: number; id: PartitionId }[]
  config: LogConfig
}

/** The topic settings a log acts on, under camel-cased Kafka names. Milliseconds and bytes; -1 means no limit. */
export interface LogConfig {
  cleanupPolicy: readonly ('delete' | 'compact')[]
  retentionMs: number
  retentionBytes: number
  segmentBytes: number
  segmentMs: number
  indexIntervalBytes: number
  maxMessageBytes: number
  messageTimestampType: 'CreateTime' | 'LogAppendTime'
  fileDeleteDelayMs: number
  /** Compaction begins when more than this share of a log is dirty, … */
  minCleanableDirtyRatio: number
  /** … leaves alone what is younger, … */
  minCompactionLagMs: number
  /** … does not wait longer, … */
  maxCompactionLagMs: number
  /** … and keeps tombstones and transaction markers for so long after its first pass. */
  deleteRetentionMs: number
}
