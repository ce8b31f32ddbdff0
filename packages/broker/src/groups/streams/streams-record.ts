/**
 * Streams groups as records of `__consumer_offsets`, in Kafka's own schemas, a key per fact:
 *
 *     17 group     epoch, what it was made for       20 target epoch
 *     19 member    what it says of itself            21 target of a member
 *     23 topology                                    22 current tasks of a member
 *
 * A value of null forgets.
 */
import {
  coordinatorRecordType,
  decodeCoordinatorRecord,
  encodeCoordinatorRecord,
  type RecordInput,
  StreamsGroupCurrentMemberAssignmentKey,
  StreamsGroupCurrentMemberAssignmentValue,
  StreamsGroupMemberMetadataKey,
  StreamsGroupMemberMetadataValue,
  StreamsGroupMetadataKey,
  StreamsGroupMetadataValue,
  StreamsGroupTargetAssignmentMemberKey,
  StreamsGroupTargetAssignmentMemberValue,
  StreamsGroupTargetAssignmentMetadataKey,
  StreamsGroupTargetAssignmentMetadataValue,
  StreamsGroupTopologyKey,
  StreamsGroupTopologyValue,
} from '@odradek/protocol'
import type { CurrentAssignment, MemberState } from '../current-assignment.ts'
import type { GroupRecord } from '../group-records.ts'
import type { OwnedPartitions } from '../topic-partitions.ts'
import type { StreamsMemberDetails } from './streams-member.ts'
import { type Role, roles, type Tasks, taskKey, tasksOf, type WireTaskIds, type WireTasks, wireTasks } from './tasks.ts'
import { type Topology, topologyOf } from './topology.ts'

export type StreamsRecord =
  | Of<'group', GroupFacts>
  | Of<'topology', Topology>
  | Of<'target-epoch', number>
  | OfMember<'member', StreamsMemberDetails>
  | OfMember<'target', Tasks>
  | OfMember<'current', CurrentAssignment>

export interface GroupFacts {
  readonly epoch: number
  /** Of the topics it needs, as they were when the epoch was raised. */
  readonly metadataHash: bigint
  /** Of the topology that fits the topics; −1: none does. */
  readonly validatedTopologyEpoch: number
  /** Settings the assignment was made with. */
  readonly assignmentConfigs: readonly { readonly key: string; readonly value: string }[]
}

interface Of<T extends string, V> extends GroupRecord {
  readonly kind: 'streams'
  readonly type: T
  readonly value: V | null
}

interface OfMember<T extends string, V> extends Of<T, V> {
  readonly memberId: string
}

const keys = {
  group: [StreamsGroupMetadataKey, 17],
  'target-epoch': [StreamsGroupTargetAssignmentMetadataKey, 20],
  topology: [StreamsGroupTopologyKey, 23],
} as const

const memberKeys = {
  member: [StreamsGroupMemberMetadataKey, 19],
  target: [StreamsGroupTargetAssignmentMemberKey, 21],
  current: [StreamsGroupCurrentMemberAssignmentKey, 22],
} as const

/** What the keys of these records begin with. */
export const streamsKeyTypes: readonly number[] = [17, 19, 20, 21, 22, 23]

export function encodeStreamsRecord(record: StreamsRecord): RecordInput {
  return { key: encodedKey(record), value: encodedValue(record) }
}

function encodedKey(record: StreamsRecord): Uint8Array {
  const { groupId } = record
  if (record.type === 'group' || record.type === 'topology' || record.type === 'target-epoch') {
    const [table, type] = keys[record.type]
    return encodeCoordinatorRecord(table, type, { groupId })
  }
  const [table, type] = memberKeys[record.type]
  return encodeCoordinatorRecord(table, type, { groupId, memberId: record.memberId })
}

function encodedValue(record: StreamsRecord): Uint8Array | null {
  if (record.value === null) return null
  switch (record.type) {
    case 'group': {
      const { assignmentConfigs, ...facts } = record.value
      const value = { ...facts, lastAssignmentConfigs: [...assignmentConfigs] }
      return encodeCoordinatorRecord(StreamsGroupMetadataValue, 0, value)
    }
    case 'topology': {
      const { epoch, subtopologies } = record.value
      return encodeCoordinatorRecord(StreamsGroupTopologyValue, 0, { epoch, subtopologies: [...subtopologies] })
    }
    case 'target-epoch':
      return encodeCoordinatorRecord(StreamsGroupTargetAssignmentMetadataValue, 0, { assignmentEpoch: record.value })
    case 'member': {
      const value = { ...record.value, clientTags: [...record.value.clientTags] }
      return encodeCoordinatorRecord(StreamsGroupMemberMetadataValue, 0, value)
    }
    case 'target':
      return encodeCoordinatorRecord(StreamsGroupTargetAssignmentMemberValue, 0, wireTasks(record.value))
    case 'current':
      return currentValue(record.value)
  }
}

/** Kafka's numbers of the states. */
const states: Record<MemberState, number> = { stable: 1, unrevoked: 2, unreleased: 3 }

function currentValue({ state, epoch, previousEpoch, assigned, revoking }: CurrentAssignment): Uint8Array {
  const { activeTasks, standbyTasks, warmupTasks } = ownedWire(assigned)
  const pending = ownedWire(revoking)
  return encodeCoordinatorRecord(StreamsGroupCurrentMemberAssignmentValue, 0, {
    memberEpoch: epoch,
    previousMemberEpoch: previousEpoch,
    state: states[state],
    activeTasks,
    standbyTasks,
    warmupTasks,
    activeTasksPendingRevocation: pending.activeTasks,
    standbyTasksPendingRevocation: pending.standbyTasks,
    warmupTasksPendingRevocation: pending.warmupTasks,
  })
}

type OwnedIds = WireTaskIds & { assignmentEpochs: number[] | null }

/** Since when it has them is known of active tasks. */
function ownedWire(owned: OwnedPartitions): WireTasks<OwnedIds> {
  const { activeTasks, standbyTasks, warmupTasks } = wireTasks(owned)
  const since = (ids: WireTaskIds): OwnedIds => {
    const epochs = owned.get(taskKey('active', ids.subtopologyId))!
    return { ...ids, assignmentEpochs: ids.partitions.map(partition => epochs.get(partition)!) }
  }
  const plain = (ids: WireTaskIds): OwnedIds => ({ ...ids, assignmentEpochs: null })
  return {
    activeTasks: activeTasks.map(since),
    standbyTasks: standbyTasks.map(plain),
    warmupTasks: warmupTasks.map(plain),
  }
}

function owned(wire: WireTasks<OwnedIds>, memberEpoch: number): OwnedPartitions {
  const tasks = new Map<string, Map<number, number>>()
  const all: Record<Role, OwnedIds[]> = {
    active: wire.activeTasks,
    standby: wire.standbyTasks,
    warmup: wire.warmupTasks,
  }
  for (const role of roles)
    for (const { subtopologyId, partitions, assignmentEpochs } of all[role]) {
      const since = partitions.map((partition, i) => [partition, assignmentEpochs?.[i] ?? memberEpoch] as const)
      tasks.set(taskKey(role, subtopologyId), new Map(since))
    }
  return tasks
}

/** For keys of these types. Nothing in the answer is a view of the arguments. */
export function decodeStreamsRecord(key: Uint8Array, value: Uint8Array | null): StreamsRecord {
  const kind = 'streams'
  const ofGroup = (table: (typeof keys)[keyof typeof keys][0]) => decodeCoordinatorRecord(table, key).value.groupId
  const ofMember = (table: (typeof memberKeys)[keyof typeof memberKeys][0]) => {
    const { groupId, memberId } = decodeCoordinatorRecord(table, key).value
    return { kind, groupId, memberId } as const
  }
  switch (coordinatorRecordType(key)) {
    case 17:
      return { kind, type: 'group', groupId: ofGroup(StreamsGroupMetadataKey), value: value && readFacts(value) }
    case 19:
      return { ...ofMember(StreamsGroupMemberMetadataKey), type: 'member', value: value && readMember(value) }
    case 20: {
      const stored = value && decodeCoordinatorRecord(StreamsGroupTargetAssignmentMetadataValue, value).value
      const groupId = ofGroup(StreamsGroupTargetAssignmentMetadataKey)
      return { kind, type: 'target-epoch', groupId, value: stored?.assignmentEpoch ?? null }
    }
    case 21: {
      const stored = value && decodeCoordinatorRecord(StreamsGroupTargetAssignmentMemberValue, value).value
      const place = ofMember(StreamsGroupTargetAssignmentMemberKey)
      return { ...place, type: 'target', value: stored && tasksOf(stored) }
    }
    case 22:
      return {
        ...ofMember(StreamsGroupCurrentMemberAssignmentKey),
        type: 'current',
        value: value && readCurrent(value),
      }
    default: {
      const stored = value && decodeCoordinatorRecord(StreamsGroupTopologyValue, value).value
      return { kind, type: 'topology', groupId: ofGroup(StreamsGroupTopologyKey), value: stored && topologyOf(stored) }
    }
  }
}

function readFacts(value: Uint8Array): GroupFacts {
  const { lastAssignmentConfigs, ...facts } = decodeCoordinatorRecord(StreamsGroupMetadataValue, value).value
  return { ...facts, assignmentConfigs: lastAssignmentConfigs ?? [] }
}

function readMember(value: Uint8Array): StreamsMemberDetails {
  return decodeCoordinatorRecord(StreamsGroupMemberMetadataValue, value).value
}

function readCurrent(value: Uint8Array): CurrentAssignment {
  const stored = decodeCoordinatorRecord(StreamsGroupCurrentMemberAssignmentValue, value).value
  const { memberEpoch, activeTasksPendingRevocation, standbyTasksPendingRevocation, warmupTasksPendingRevocation } =
    stored
  const pending = {
    activeTasks: activeTasksPendingRevocation,
    standbyTasks: standbyTasksPendingRevocation,
    warmupTasks: warmupTasksPendingRevocation,
  }
  const state = (Object.keys(states) as MemberState[]).find(name => states[name] === stored.state)
  return {
    // A state from the future: it must say what it has before it gets anything.
    state: state ?? 'unrevoked',
    epoch: memberEpoch,
    previousEpoch: stored.previousMemberEpoch,
    assigned: owned(stored, memberEpoch),
    revoking: owned(pending, memberEpoch),
  }
}
