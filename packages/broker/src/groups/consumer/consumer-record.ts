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
import type { ResolvedRegex } from './consumer-group.ts'
import type { CurrentAssignment, MemberDetails, MemberState } from './consumer-member.ts'
import { fromWire, type OwnedPartitions, type TopicPartitions, toWire, type WireTopic } from './topic-partitions.ts'

export type ConsumerRecord =
  | Of<'consumer-group', { readonly epoch: number; readonly metadataHash: bigint }>
  | Of<'consumer-target-epoch', number>
  | OfMember<'consumer-member', MemberDetails>
  | OfMember<'consumer-target', TopicPartitions>
  | OfMember<'consumer-current', CurrentAssignment>
  | (Of<'consumer-regex', ResolvedRegex> & { readonly regex: string })

interface Of<T extends string, V> {
  readonly type: T
  readonly groupId: string
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

/** The types of records that are read here. */
export const consumerRecordTypes: ReadonlySet<number> = new Set([GROUP, MEMBER, TARGET_EPOCH, TARGET, CURRENT, REGEX])

export function encodeConsumerRecord(record: ConsumerRecord): RecordInput {
  const { groupId } = record
  switch (record.type) {
    case 'consumer-group':
      return {
        key: encodeCoordinatorRecord(ConsumerGroupMetadataKey, GROUP, { groupId }),
        value: record.value && encodeCoordinatorRecord(ConsumerGroupMetadataValue, 0, record.value),
      }
    case 'consumer-member':
      return {
        key: encodeCoordinatorRecord(ConsumerGroupMemberMetadataKey, MEMBER, { groupId, memberId: record.memberId }),
        value: record.value && memberValue(record.value),
      }
    case 'consumer-target-epoch':
      return {
        key: encodeCoordinatorRecord(ConsumerGroupTargetAssignmentMetadataKey, TARGET_EPOCH, { groupId }),
        value:
          record.value === null
            ? null
            : encodeCoordinatorRecord(ConsumerGroupTargetAssignmentMetadataValue, 0, { assignmentEpoch: record.value }),
      }
    case 'consumer-target':
      return {
        key: encodeCoordinatorRecord(ConsumerGroupTargetAssignmentMemberKey, TARGET, {
          groupId,
          memberId: record.memberId,
        }),
        value:
          record.value &&
          encodeCoordinatorRecord(ConsumerGroupTargetAssignmentMemberValue, 0, {
            topicPartitions: toWire(record.value),
          }),
      }
    case 'consumer-current':
      return {
        key: encodeCoordinatorRecord(ConsumerGroupCurrentMemberAssignmentKey, CURRENT, {
          groupId,
          memberId: record.memberId,
        }),
        value: record.value && currentValue(record.value),
      }
    case 'consumer-regex':
      return {
        key: encodeCoordinatorRecord(ConsumerGroupRegularExpressionKey, REGEX, {
          groupId,
          regularExpression: record.regex,
        }),
        value: record.value && encodeCoordinatorRecord(ConsumerGroupRegularExpressionValue, 0, wireRegex(record.value)),
      }
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

/** Null for records that are of no consumer group. Nothing in the answer is a view of the arguments. */
export function decodeConsumerRecord(key: Uint8Array, value: Uint8Array | null): ConsumerRecord | null {
  switch (coordinatorRecordType(key)) {
    case GROUP: {
      const { groupId } = decodeCoordinatorRecord(ConsumerGroupMetadataKey, key).value
      const stored = value && decodeCoordinatorRecord(ConsumerGroupMetadataValue, value).value
      return { type: 'consumer-group', groupId, value: stored }
    }
    case MEMBER:
      return { type: 'consumer-member', ...keyOfMember(ConsumerGroupMemberMetadataKey, key), value: readMember(value) }
    case TARGET_EPOCH: {
      const { groupId } = decodeCoordinatorRecord(ConsumerGroupTargetAssignmentMetadataKey, key).value
      const stored = value && decodeCoordinatorRecord(ConsumerGroupTargetAssignmentMetadataValue, value).value
      return { type: 'consumer-target-epoch', groupId, value: stored && stored.assignmentEpoch }
    }
    case TARGET: {
      const stored = value && decodeCoordinatorRecord(ConsumerGroupTargetAssignmentMemberValue, value).value
      const place = keyOfMember(ConsumerGroupTargetAssignmentMemberKey, key)
      return { type: 'consumer-target', ...place, value: stored && fromWire(stored.topicPartitions) }
    }
    case CURRENT: {
      const place = keyOfMember(ConsumerGroupCurrentMemberAssignmentKey, key)
      return { type: 'consumer-current', ...place, value: readCurrent(value) }
    }
    case REGEX: {
      const { groupId, regularExpression } = decodeCoordinatorRecord(ConsumerGroupRegularExpressionKey, key).value
      const stored = value && decodeCoordinatorRecord(ConsumerGroupRegularExpressionValue, value).value
      return { type: 'consumer-regex', groupId, regex: regularExpression, value: stored }
    }
    default:
      return null
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
