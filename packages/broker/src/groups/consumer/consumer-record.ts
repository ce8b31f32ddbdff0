/**
 * Consumer groups as records of `__consumer_offsets`, in Kafka's own schemas, a key per fact:
 *
 *     3  group       epoch, a hash of the topics it was made for      6  target epoch
 *     5  member      what it says of itself                           7  target of a member
 *     16 regex       the topics it stands for                         8  current assignment of a member
 *
 * A value of null forgets.
 */
import {
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataValue,
  coordinatorRecordType,
  decodeCoordinatorRecord,
  encodeCoordinatorRecord,
  type RecordInput,
} from '@odradek/protocol'
import type { CurrentAssignment, MemberState } from '../current-assignment.ts'
import type { GroupRecord } from '../group-records.ts'
import { fromWire, type OwnedPartitions, type TopicPartitions, toWire, type WireTopic } from '../topic-partitions.ts'
import type { ResolvedRegex } from './consumer-group.ts'
import type { MemberDetails } from './consumer-member.ts'

export type ConsumerRecord =
  | Of<'group', { readonly epoch: number; readonly metadataHash: bigint }>
  | Of<'target-epoch', number>
  | OfMember<'member', MemberDetails>
  | OfMember<'target', TopicPartitions>
  | OfMember<'current', CurrentAssignment>
  | (Of<'regex', ResolvedRegex> & { readonly regex: string })

interface Of<T extends string, V> extends GroupRecord {
  readonly kind: 'consumer'
  readonly type: T
  readonly value: V | null
}

interface OfMember<T extends string, V> extends Of<T, V> {
  readonly memberId: string
}

const GROUP = 3
const MEMBER = 5
const TARGET_EPOCH = 6
const TARGET = 7
const CURRENT = 8
const REGEX = 16

/** What the keys of these records begin with. */
export const consumerKeyTypes: readonly number[] = [GROUP, MEMBER, TARGET_EPOCH, TARGET, CURRENT, REGEX]

export function encodeConsumerRecord(record: ConsumerRecord): RecordInput {
  return { key: encodedKey(record), value: encodedValue(record) }
}

function encodedKey(record: ConsumerRecord): Uint8Array {
  const { groupId } = record
  switch (record.type) {
    case 'group':
      return encodeCoordinatorRecord(ConsumerGroupMetadataKey, GROUP, { groupId })
    case 'target-epoch':
      return encodeCoordinatorRecord(ConsumerGroupTargetAssignmentMetadataKey, TARGET_EPOCH, { groupId })
    case 'regex': {
      const key = { groupId, regularExpression: record.regex }
      return encodeCoordinatorRecord(ConsumerGroupRegularExpressionKey, REGEX, key)
    }
    default: {
      const [table, type] = memberKeys[record.type]
      return encodeCoordinatorRecord(table, type, { groupId, memberId: record.memberId })
    }
  }
}

const memberKeys = {
  member: [ConsumerGroupMemberMetadataKey, MEMBER],
  target: [ConsumerGroupTargetAssignmentMemberKey, TARGET],
  current: [ConsumerGroupCurrentMemberAssignmentKey, CURRENT],
} as const

function encodedValue(record: ConsumerRecord): Uint8Array | null {
  if (record.value === null) return null
  switch (record.type) {
    case 'group':
      return encodeCoordinatorRecord(ConsumerGroupMetadataValue, 0, record.value)
    case 'member':
      return memberValue(record.value)
    case 'target-epoch':
      return encodeCoordinatorRecord(ConsumerGroupTargetAssignmentMetadataValue, 0, { assignmentEpoch: record.value })
    case 'target': {
      const value = { topicPartitions: toWire(record.value) }
      return encodeCoordinatorRecord(ConsumerGroupTargetAssignmentMemberValue, 0, value)
    }
    case 'current':
      return currentValue(record.value)
    case 'regex':
      return encodeCoordinatorRecord(ConsumerGroupRegularExpressionValue, 0, wireRegex(record.value))
  }
}

const wireRegex = ({ topics, version, timestamp }: ResolvedRegex) => ({ topics: [...topics], version, timestamp })

function memberValue({ topicNames, topicRegex, classic, ...rest }: MemberDetails): Uint8Array {
  return encodeCoordinatorRecord(ConsumerGroupMemberMetadataValue, 0, {
    ...rest,
    subscribedTopicNames: [...topicNames],
    subscribedTopicRegex: topicRegex,
    classicMemberMetadata: classic && {
      sessionTimeoutMs: classic.sessionTimeoutMs,
      supportedProtocols: [...classic.protocols],
    },
  })
}

/** Kafka's numbers of the states. */
const states: readonly MemberState[] = ['stable', 'unrevoked', 'unreleased']

function currentValue({ state, epoch, previousEpoch, assigned, revoking }: CurrentAssignment): Uint8Array {
  return encodeCoordinatorRecord(ConsumerGroupCurrentMemberAssignmentValue, 0, {
    memberEpoch: epoch,
    previousMemberEpoch: previousEpoch,
    state: states.indexOf(state),
    assignedPartitions: ownedToWire(assigned),
    partitionsPendingRevocation: ownedToWire(revoking),
  })
}

type WireOwned = WireTopic & { assignmentEpochs: number[] }

function ownedToWire(owned: OwnedPartitions): WireOwned[] {
  return toWire(owned).map(({ topicId, partitions }) => ({
    topicId,
    partitions,
    assignmentEpochs: partitions.map(partition => owned.get(topicId)!.get(partition)!),
  }))
}

/** Before Kafka 4.3 nobody wrote since when a partition is owned: since the present epoch at the latest. */
function wireToOwned(topics: readonly WireOwned[], memberEpoch: number): OwnedPartitions {
  return new Map(
    topics.map(({ topicId, partitions, assignmentEpochs }) => [
      topicId,
      new Map(partitions.map((partition, i) => [partition, assignmentEpochs[i] ?? memberEpoch])),
    ]),
  )
}

/** For keys of these types. Nothing in the answer is a view of the arguments. */
export function decodeConsumerRecord(key: Uint8Array, value: Uint8Array | null): ConsumerRecord {
  const kind = 'consumer'
  switch (coordinatorRecordType(key)) {
    case GROUP: {
      const { groupId } = decodeCoordinatorRecord(ConsumerGroupMetadataKey, key).value
      const stored = value && decodeCoordinatorRecord(ConsumerGroupMetadataValue, value).value
      return { kind, type: 'group', groupId, value: stored }
    }
    case MEMBER:
      return { kind, type: 'member', ...keyOfMember(ConsumerGroupMemberMetadataKey, key), value: readMember(value) }
    case TARGET_EPOCH: {
      const { groupId } = decodeCoordinatorRecord(ConsumerGroupTargetAssignmentMetadataKey, key).value
      const stored = value && decodeCoordinatorRecord(ConsumerGroupTargetAssignmentMetadataValue, value).value
      return { kind, type: 'target-epoch', groupId, value: stored?.assignmentEpoch ?? null }
    }
    case TARGET: {
      const stored = value && decodeCoordinatorRecord(ConsumerGroupTargetAssignmentMemberValue, value).value
      const place = keyOfMember(ConsumerGroupTargetAssignmentMemberKey, key)
      return { kind, type: 'target', ...place, value: stored && fromWire(stored.topicPartitions) }
    }
    case CURRENT: {
      const place = keyOfMember(ConsumerGroupCurrentMemberAssignmentKey, key)
      return { kind, type: 'current', ...place, value: readCurrent(value) }
    }
    default: {
      const { groupId, regularExpression } = decodeCoordinatorRecord(ConsumerGroupRegularExpressionKey, key).value
      const stored = value && decodeCoordinatorRecord(ConsumerGroupRegularExpressionValue, value).value
      return { kind, type: 'regex', groupId, regex: regularExpression, value: stored }
    }
  }
}

function keyOfMember(
  table: typeof ConsumerGroupMemberMetadataKey,
  key: Uint8Array,
): { groupId: string; memberId: string } {
  const { groupId, memberId } = decodeCoordinatorRecord(table, key).value
  return { groupId, memberId }
}

function readMember(value: Uint8Array | null): MemberDetails | null {
  if (value === null) return null
  const stored = decodeCoordinatorRecord(ConsumerGroupMemberMetadataValue, value).value
  const classic = stored.classicMemberMetadata
  return {
    instanceId: stored.instanceId,
    rackId: stored.rackId,
    clientId: stored.clientId,
    clientHost: stored.clientHost,
    topicNames: stored.subscribedTopicNames.toSorted(),
    topicRegex: stored.subscribedTopicRegex ?? '',
    rebalanceTimeoutMs: stored.rebalanceTimeoutMs,
    serverAssignor: stored.serverAssignor,
    classic: classic && {
      sessionTimeoutMs: classic.sessionTimeoutMs,
      protocols: classic.supportedProtocols.map(({ name, metadata }) => ({ name, metadata: metadata.slice() })),
    },
  }
}

function readCurrent(value: Uint8Array | null): CurrentAssignment | null {
  if (value === null) return null
  const stored = decodeCoordinatorRecord(ConsumerGroupCurrentMemberAssignmentValue, value).value
  const { memberEpoch } = stored
  return {
    // A state from the future: it must say what it owns before it gets anything.
    state: states[stored.state] ?? 'unrevoked',
    epoch: memberEpoch,
    previousEpoch: stored.previousMemberEpoch,
    assigned: wireToOwned(stored.assignedPartitions, memberEpoch),
    revoking: wireToOwned(stored.partitionsPendingRevocation, memberEpoch),
  }
}
