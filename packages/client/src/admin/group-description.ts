/**
 * What there is to say of a group, whatever its kind: each kind has a request of its own (KIP-848, KIP-932, KIP-1071), and a broker does
 * not tell beforehand which a group is of. Classic groups are asked for first: every broker knows them.
 */
import {
  type AnyApi,
  ConsumerGroupDescribe,
  ConsumerProtocolAssignment,
  DecodeError,
  DescribeGroups,
  decodeConsumerProtocol,
  ErrorCodes,
  ProtocolError,
  type RequestInput,
  type Response,
  ShareGroupDescribe,
  StreamsGroupDescribe,
} from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import type { PartitionItem } from './by-leader.ts'
import { askCoordinator } from './group-coordinator.ts'
import { byPlace } from './group-offsets.ts'
import type { AdminCallOptions } from './settle-each.ts'

export type GroupType = 'classic' | 'consumer' | 'share' | 'streams'

export interface DescribedMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Of a member of a group that is not classic: the epoch of what it has been given; -1 in a classic group. */
  readonly epoch: number
  /** Empty for classic groups that are not of consumers. */
  readonly assignment: readonly PartitionItem[]
}

export interface GroupDescription {
  readonly groupId: string
  readonly type: GroupType
  /**
   * 'Stable', 'Empty', or 'Dead' when there is no such group. Between: 'PreparingRebalance', 'CompletingRebalance' (classic), 'Assigning',
   * 'Reconciling', 'NotReady'.
   */
  readonly state: string
  readonly protocolType: string
  /** The assignor in use. */
  readonly protocol: string
  readonly coordinator: number
  readonly members: readonly DescribedMember[]
}

type Described = Omit<GroupDescription, 'coordinator'>

interface AssignedTopics {
  readonly topicPartitions: readonly { readonly topicName: string; readonly partitions: readonly number[] }[]
}

export async function describeGroup(
  cluster: Cluster,
  groupId: string,
  { signal }: AdminCallOptions = {},
): Promise<GroupDescription> {
  const described =
    (await classicGroup(cluster, groupId, { signal })) ??
    (await consumerGroup(cluster, groupId, { signal })) ??
    (await shareGroup(cluster, groupId, { signal })) ??
    (await streamsGroup(cluster, groupId, { signal })) ??
    noGroup(groupId)
  return { ...described, coordinator: await cluster.coordinator('group', groupId, signal ? { signal } : {}) }
}

const noGroup = (groupId: string): Described => ({
  ...{ groupId, type: 'classic', state: 'Dead', protocolType: '', protocol: '', members: [] },
})

async function classicGroup(cluster: Cluster, groupId: string, options: AdminCallOptions) {
  const group = await described(cluster, groupId, DescribeGroups, { groups: [groupId] }, options)
  // Before version 6 a group that nobody knows, or of another kind, is Dead.
  if (!group || group.groupState === 'Dead' || group.groupState === '') return undefined
  const { groupState: state, protocolType, protocolData: protocol } = group
  const members = group.members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => ({
    ...{ memberId, groupInstanceId, clientId, clientHost, epoch: -1 },
    assignment: protocolType === 'consumer' ? readAssignment(memberAssignment) : [],
  }))
  return { groupId, type: 'classic' as const, state, protocolType, protocol, members }
}

async function consumerGroup(cluster: Cluster, groupId: string, options: AdminCallOptions) {
  const input = { groupIds: [groupId], includeAuthorizedOperations: false }
  const group = await described(cluster, groupId, ConsumerGroupDescribe, input, options)
  if (!group) return undefined
  const members = group.members.map(({ memberId, instanceId, clientId, clientHost, memberEpoch, assignment }) => ({
    ...{ memberId, groupInstanceId: instanceId, clientId, clientHost, epoch: memberEpoch },
    assignment: placesOf(assignment),
  }))
  const { groupState: state, assignorName: protocol } = group
  return { groupId, type: 'consumer' as const, state, protocolType: 'consumer', protocol, members }
}

async function shareGroup(cluster: Cluster, groupId: string, options: AdminCallOptions) {
  const input = { groupIds: [groupId], includeAuthorizedOperations: false }
  const group = await described(cluster, groupId, ShareGroupDescribe, input, options)
  if (!group) return undefined
  const members = group.members.map(({ memberId, clientId, clientHost, memberEpoch, assignment }) => ({
    ...{ memberId, groupInstanceId: null, clientId, clientHost, epoch: memberEpoch },
    assignment: placesOf(assignment),
  }))
  const { groupState: state, assignorName: protocol } = group
  return { groupId, type: 'share' as const, state, protocolType: 'share', protocol, members }
}

async function streamsGroup(cluster: Cluster, groupId: string, options: AdminCallOptions) {
  const input = { groupIds: [groupId], includeAuthorizedOperations: false }
  const group = await described(cluster, groupId, StreamsGroupDescribe, input, options)
  if (!group) return undefined
  const sources = new Map(
    (group.topology?.subtopologies ?? []).map(({ subtopologyId, sourceTopics, repartitionSourceTopics }) => [
      subtopologyId,
      [...sourceTopics, ...repartitionSourceTopics.map(({ name }) => name)],
    ]),
  )
  const members = group.members.map(({ memberId, instanceId, clientId, clientHost, memberEpoch, assignment }) => ({
    ...{ memberId, groupInstanceId: instanceId, clientId, clientHost, epoch: memberEpoch },
    // A task reads its partition of each topic of its subtopology.
    assignment: placesOf({
      topicPartitions: assignment.activeTasks.flatMap(({ subtopologyId, partitions }) =>
        (sources.get(subtopologyId) ?? []).map(topicName => ({ topicName, partitions })),
      ),
    }),
  }))
  return { groupId, type: 'streams' as const, state: group.groupState, protocolType: 'streams', protocol: '', members }
}

/** The groups of a response; there is one for each that was asked about. */
type GroupOf<A extends AnyApi> = Response<A> extends { groups: (infer G extends { errorCode: number })[] } ? G : never

/** Undefined: the broker knows no such group, or no groups of this kind. */
async function described<A extends AnyApi>(
  cluster: Cluster,
  groupId: string,
  api: A,
  input: RequestInput<A>,
  options: AdminCallOptions,
): Promise<GroupOf<A> | undefined> {
  try {
    const first = (response: Response<A>) => (response as unknown as { groups: GroupOf<A>[] }).groups[0]!
    return first(await askCoordinator(cluster, groupId, api, input, response => first(response).errorCode, options))
  } catch (error) {
    if (error instanceof ProtocolError && notOfThisKind.has(error.errorCode)) return undefined
    throw error
  }
}

const notOfThisKind: ReadonlySet<number> = new Set([ErrorCodes.GROUP_ID_NOT_FOUND, ErrorCodes.UNSUPPORTED_VERSION])

const placesOf = ({ topicPartitions }: AssignedTopics): PartitionItem[] =>
  topicPartitions
    .flatMap(({ topicName, partitions }) => partitions.map(partition => ({ topic: topicName, partition })))
    .sort(byPlace)

/** Members that have not been given anything yet have empty bytes. */
function readAssignment(bytes: Uint8Array): PartitionItem[] {
  if (bytes.length === 0) return []
  try {
    const { assignedPartitions } = decodeConsumerProtocol(ConsumerProtocolAssignment, bytes).value
    return placesOf({
      topicPartitions: assignedPartitions.map(({ topic: topicName, partitions }) => ({ topicName, partitions })),
    })
  } catch (error) {
    if (error instanceof DecodeError) return [] // an assignor of somebody else's making
    throw error
  }
}
