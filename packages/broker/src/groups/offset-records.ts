/**
 * Committed offsets as records of `__consumer_offsets`, in Kafka's own schemas, so that its tools read ours and we read its:
 *
 *     key    int16 type (0–1), then the fields of OffsetCommitKey
 *     value  int16 version, then the fields of OffsetCommitValue; null forgets the offset
 *
 * Values are written in version 3 (an offset that brings its own expiry: 1), the newest that every tool in use reads.
 */
import {
  decodeCoordinatorRecord,
  encodeCoordinatorRecord,
  OffsetCommitKey,
  OffsetCommitValue,
  type RecordInput,
} from '@odradek/protocol'
import type { CommittedOffset, OffsetChange } from './committed-offset.ts'
import type { GroupRecord, GroupRecordPart } from './group-records.ts'
import { OffsetImage } from './offset-image.ts'

const keyVersion = 1
const valueVersion = 3
const valueVersionWithExpiry = 1

export interface OffsetRecord extends GroupRecord {
  readonly kind: 'offset'
  readonly change: OffsetChange
}

export const offsetPart: GroupRecordPart<OffsetRecord, OffsetImage> = {
  kind: 'offset',
  keyTypes: [0, 1],
  encode: ({ groupId, change }) => offsetRecord(groupId, change),
  decode(key, value) {
    const { group, topic, partition } = decodeCoordinatorRecord(OffsetCommitKey, key).value
    const committed = value === null ? null : committedOffset(decodeCoordinatorRecord(OffsetCommitValue, value).value)
    return { kind: 'offset', groupId: group, change: { topic, partition, committed } }
  },
  freshImage: () => new OffsetImage(),
}

export function offsetRecord(groupId: string, { topic, partition, committed }: OffsetChange): RecordInput {
  const key = encodeCoordinatorRecord(OffsetCommitKey, keyVersion, { group: groupId, topic, partition })
  if (committed === null) return { key, value: null }
  const version = committed.expireTimestamp >= 0 ? valueVersionWithExpiry : valueVersion
  return { key, value: encodeCoordinatorRecord(OffsetCommitValue, version, committed) }
}

/** Without the fields that only the newer protocols use. */
function committedOffset({
  offset,
  leaderEpoch,
  metadata,
  commitTimestamp,
  expireTimestamp,
}: CommittedOffset): CommittedOffset {
  return { offset, leaderEpoch, metadata, commitTimestamp, expireTimestamp }
}
