/**
 * Share groups as records of `__consumer_offsets`, in Kafka's own schemas. Six kinds of keys, by the int16 each begins with:
 *
 *     10 member    what a member says of itself        13 target    what a member is to have
 *     11 group     the epoch                           14 progress  what a member was told
 *     12 target    the epoch of the assignment         15 kept      the partitions whose progress is kept in __share_group_state
 */
import type { Uuid } from '@odradek/log'
import {
  coordinatorRecordType,
  decodeCoordinatorRecord,
  encodeCoordinatorRecord,
  ShareGroupMetadataKey as GroupKey,
  ShareGroupMetadataValue as GroupValue,
  ShareGroupStatePartitionMetadataKey as KeptKey,
  ShareGroupStatePartitionMetadataValue as KeptValue,
  ShareGroupMemberMetadataKey as MemberKey,
  ShareGroupMemberMetadataValue as MemberValue,
  ShareGroupCurrentMemberAssignmentKey as ProgressKey,
  ShareGroupCurrentMemberAssignmentValue as ProgressValue,
  type RecordInput,
  ShareGroupTargetAssignmentMetadataKey as TargetEpochKey,
  ShareGroupTargetAssignmentMetadataValue as TargetEpochValue,
  ShareGroupTargetAssignmentMemberKey as TargetKey,
  ShareGroupTargetAssignmentMemberValue as TargetValue,
} from '@odradek/protocol'
import type { GroupRecord, GroupRecordPart } from '../group-records.ts'
import type { Assignment, KeptTopic, MemberInfo, MemberProgress } from './share-group.ts'
import { ShareImage } from './share-image.ts'

/** Null as a value: what the key names is no more. */
export type ShareRecord = GroupRecord & { readonly kind: 'share' } & (
    | { readonly about: 'member'; readonly memberId: string; readonly value: MemberInfo | null }
    | { readonly about: 'group'; readonly value: { epoch: number; metadataHash: bigint } | null }
    | { readonly about: 'targetEpoch'; readonly value: { epoch: number } | null }
    | { readonly about: 'target'; readonly memberId: string; readonly value: Assignment | null }
    | { readonly about: 'progress'; readonly memberId: string; readonly value: MemberProgress | null }
    | { readonly about: 'kept'; readonly value: ReadonlyMap<Uuid, KeptTopic> | null }
  )

const types = { member: 10, group: 11, targetEpoch: 12, target: 13, progress: 14, kept: 15 } as const
const stable = 0

export const sharePart: GroupRecordPart<ShareRecord, ShareImage> = {
  kind: 'share',
  keyTypes: Object.values(types),
  encode: record => ({ key: keyOf(record), value: record.value === null ? null : encodedValue(record) }),
  decode: (key, value) => ({ kind: 'share', ...decoded(key, value) }) as ShareRecord,
  freshImage: () => new ShareImage(),
}

function keyOf(record: ShareRecord): Uint8Array {
  const { about, groupId } = record
  const type = types[about]
  switch (about) {
    case 'member':
      return encodeCoordinatorRecord(MemberKey, type, { groupId, memberId: record.memberId })
    case 'target':
      return encodeCoordinatorRecord(TargetKey, type, { groupId, memberId: record.memberId })
    case 'progress':
      return encodeCoordinatorRecord(ProgressKey, type, { groupId, memberId: record.memberId })
    case 'group':
      return encodeCoordinatorRecord(GroupKey, type, { groupId })
    case 'targetEpoch':
      return encodeCoordinatorRecord(TargetEpochKey, type, { groupId })
    case 'kept':
      return encodeCoordinatorRecord(KeptKey, type, { groupId })
  }
}

function encodedValue(record: ShareRecord): RecordInput['value'] & {} {
  switch (record.about) {
    case 'member': {
      const { topics, ...info } = record.value!
      return encodeCoordinatorRecord(MemberValue, 0, { ...info, subscribedTopicNames: [...topics] })
    }
    case 'group':
      return encodeCoordinatorRecord(GroupValue, 0, record.value!)
    case 'targetEpoch':
      return encodeCoordinatorRecord(TargetEpochValue, 0, { assignmentEpoch: record.value!.epoch })
    case 'target':
      return encodeCoordinatorRecord(TargetValue, 0, { topicPartitions: asTopicPartitions(record.value!) })
    case 'progress': {
      const { epoch: memberEpoch, previousEpoch: previousMemberEpoch, assigned } = record.value!
      const assignedPartitions = asTopicPartitions(assigned)
      return encodeCoordinatorRecord(ProgressValue, 0, {
        memberEpoch,
        previousMemberEpoch,
        state: stable,
        assignedPartitions,
      })
    }
    case 'kept': {
      const initializedTopics = Array.from(record.value!, ([topicId, { topicName, partitions }]) => ({
        topicId,
        topicName,
        partitions: [...partitions],
      }))
      return encodeCoordinatorRecord(KeptValue, 0, { initializingTopics: [], initializedTopics, deletingTopics: [] })
    }
  }
}

function decoded(key: Uint8Array, value: Uint8Array | null): Record<string, unknown> {
  switch (coordinatorRecordType(key)) {
    case types.member:
      return { about: 'member', ...decodeCoordinatorRecord(MemberKey, key).value, value: value && memberInfo(value) }
    case types.target:
      return { about: 'target', ...decodeCoordinatorRecord(TargetKey, key).value, value: value && target(value) }
    case types.progress:
      return { about: 'progress', ...decodeCoordinatorRecord(ProgressKey, key).value, value: value && progress(value) }
    case types.group:
      return { about: 'group', ...decodeCoordinatorRecord(GroupKey, key).value, value: value && groupEpoch(value) }
    case types.targetEpoch: {
      const epoch = value && { epoch: decodeCoordinatorRecord(TargetEpochValue, value).value.assignmentEpoch }
      return { about: 'targetEpoch', ...decodeCoordinatorRecord(TargetEpochKey, key).value, value: epoch }
    }
    default:
      return { about: 'kept', ...decodeCoordinatorRecord(KeptKey, key).value, value: value && kept(value) }
  }
}

function memberInfo(value: Uint8Array): MemberInfo {
  const {
    subscribedTopicNames: topics,
    rackId,
    clientId,
    clientHost,
  } = decodeCoordinatorRecord(MemberValue, value).value
  return { rackId, clientId, clientHost, topics }
}

function target(value: Uint8Array): Assignment {
  return asAssignment(decodeCoordinatorRecord(TargetValue, value).value.topicPartitions)
}

function progress(value: Uint8Array): MemberProgress {
  const { memberEpoch, previousMemberEpoch, assignedPartitions } = decodeCoordinatorRecord(ProgressValue, value).value
  return { epoch: memberEpoch, previousEpoch: previousMemberEpoch, assigned: asAssignment(assignedPartitions) }
}

function groupEpoch(value: Uint8Array): { epoch: number; metadataHash: bigint } {
  const { epoch, metadataHash } = decodeCoordinatorRecord(GroupValue, value).value
  return { epoch, metadataHash }
}

function kept(value: Uint8Array): ReadonlyMap<Uuid, KeptTopic> {
  const { initializedTopics } = decodeCoordinatorRecord(KeptValue, value).value
  return new Map(initializedTopics.map(({ topicId, topicName, partitions }) => [topicId, { topicName, partitions }]))
}

export const asTopicPartitions = (assignment: Assignment): { topicId: Uuid; partitions: number[] }[] =>
  Array.from(assignment, ([topicId, partitions]) => ({ topicId, partitions: [...partitions] }))

const asAssignment = (rows: readonly { topicId: Uuid; partitions: number[] }[]): Assignment =>
  new Map(rows.map(({ topicId, partitions }) => [topicId, partitions]))
