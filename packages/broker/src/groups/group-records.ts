/**
 * Groups and offsets as records of `__consumer_offsets`, in Kafka's own schemas, so that its tools read ours and we read its:
 *
 *     key    int16 version (0–1 an offset, 2 a group), then the fields of OffsetCommitKey or GroupMetadataKey
 *     value  int16 version, then the fields of OffsetCommitValue or GroupMetadataValue; null forgets the key
 *
 * Values are written in version 3 (an offset that brings its own expiry: 1), the newest that every tool in use reads.
 */
import {
  coordinatorRecordType,
  decodeCoordinatorRecord,
  encodeCoordinatorRecord,
  GroupMetadataKey,
  GroupMetadataValue,
  OffsetCommitKey,
  OffsetCommitValue,
  type RecordInput,
} from '@odradek/protocol'
import type { CommittedOffset, OffsetChange } from './committed-offset.ts'
import type { StoredGroup, StoredMember } from './stored-group.ts'

const offsetKeyVersion = 1
const groupKeyVersion = 2
const valueVersion = 3
const valueVersionWithExpiry = 1

export function offsetRecord(groupId: string, { topic, partition, committed }: OffsetChange): RecordInput {
  const key = encodeCoordinatorRecord(OffsetCommitKey, offsetKeyVersion, { group: groupId, topic, partition })
  if (committed === null) return { key, value: null }
  const version = committed.expireTimestamp >= 0 ? valueVersionWithExpiry : valueVersion
  return { key, value: encodeCoordinatorRecord(OffsetCommitValue, version, committed) }
}

export function groupRecord(group: StoredGroup): RecordInput {
  const value = encodeCoordinatorRecord(GroupMetadataValue, valueVersion, {
    protocolType: group.protocolType ?? '',
    generation: group.generation,
    protocol: group.protocolName,
    leader: group.leader,
    currentStateTimestamp: group.stateSince,
    members: group.members.map(member => ({
      memberId: member.id,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: member.subscription,
      assignment: member.assignment,
    })),
  })
  return { key: groupKey(group.id), value }
}

export function groupTombstone(groupId: string): RecordInput {
  return { key: groupKey(groupId), value: null }
}

const groupKey = (group: string) => encodeCoordinatorRecord(GroupMetadataKey, groupKeyVersion, { group })

export type GroupRecord =
  | { readonly type: 'offset'; readonly groupId: string; readonly change: OffsetChange }
  | { readonly type: 'group'; readonly groupId: string; readonly group: StoredGroup | null }

/** Null for what other coordinators keep in the same topic (groups of the newer protocols). Bytes are copied out of the batch. */
export function readGroupRecord(key: Uint8Array, value: Uint8Array | null): GroupRecord | null {
  const type = coordinatorRecordType(key)
  if (type <= offsetKeyVersion) return readOffset(key, value)
  return type === groupKeyVersion ? readGroup(key, value) : null
}

function readOffset(key: Uint8Array, value: Uint8Array | null): GroupRecord {
  const { group, topic, partition } = decodeCoordinatorRecord(OffsetCommitKey, key).value
  const committed: CommittedOffset | null =
    value === null ? null : committedOffset(decodeCoordinatorRecord(OffsetCommitValue, value).value)
  return { type: 'offset', groupId: group, change: { topic, partition, committed } }
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

function readGroup(key: Uint8Array, value: Uint8Array | null): GroupRecord {
  const { group: id } = decodeCoordinatorRecord(GroupMetadataKey, key).value
  if (value === null) return { type: 'group', groupId: id, group: null }
  const stored = decodeCoordinatorRecord(GroupMetadataValue, value).value
  const members = stored.members.map(
    (member): StoredMember => ({
      id: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      // Version 0 knew no rebalance timeout.
      rebalanceTimeoutMs: member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      subscription: member.subscription.slice(),
      assignment: member.assignment.slice(),
    }),
  )
  const group: StoredGroup = {
    id,
    protocolType: stored.protocolType || null,
    generation: stored.generation,
    protocolName: stored.protocol,
    leader: stored.leader,
    stateSince: stored.currentStateTimestamp,
    members,
  }
  return { type: 'group', groupId: id, group }
}
