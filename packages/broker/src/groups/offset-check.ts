import { Buffer } from 'node:buffer'
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { CommittedOffset, OffsetChange } from './committed-offset.ts'

/** A partition in OffsetCommit or TxnOffsetCommit. */
export interface AskedOffset {
  readonly partitionIndex: number
  readonly committedOffset: number
  readonly committedLeaderEpoch: number
  readonly committedMetadata: string | null
}

/** Why the offset cannot be committed, whoever asks; NONE when it can. */
export function offsetError(asked: AskedOffset, o: { partitions: number; maxMetadataBytes: number }): ErrorCode {
  if (asked.partitionIndex < 0 || asked.partitionIndex >= o.partitions) return ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION
  const metadataBytes = Buffer.byteLength(asked.committedMetadata ?? '')
  return metadataBytes > o.maxMetadataBytes ? ErrorCodes.OFFSET_METADATA_TOO_LARGE : ErrorCodes.NONE
}

export function offsetChange(
  topic: string,
  asked: AskedOffset,
  times: Pick<CommittedOffset, 'commitTimestamp' | 'expireTimestamp'>,
): OffsetChange {
  const committed: CommittedOffset = {
    offset: asked.committedOffset,
    leaderEpoch: asked.committedLeaderEpoch,
    metadata: asked.committedMetadata ?? '',
    ...times,
  }
  return { topic, partition: asked.partitionIndex, committed }
}
