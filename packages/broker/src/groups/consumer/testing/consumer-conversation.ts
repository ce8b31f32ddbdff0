/**
 * A conversation about consumer groups: most of what a client of the new protocol can ask, rightly and wrongly. Held with Apache Kafka
 * 4.3.1 once (kafka-answers.txt; its group configs `consumer.assignment.interval.ms` and `consumer.assignor.offload.enable` set so that it
 * assigns at once, as we do), and with our broker in every test run; the answers must be the same.
 *
 * Evened out: ids of topics, the wording of messages, addresses, the order of members and partitions.
 */
import {
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
  CreateTopics,
  DeleteGroups,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  SyncGroup,
} from '@odradek/protocol'
import type { RawClient } from '../../../testing/raw-client.ts'
import { ask, type Call, type Fields, rewritten, shown } from '../../testing/conversation.ts'

const group = 'GROUP'
const topic = 'GROUP-topic'

const beat = (memberId: string, memberEpoch: number, more: Fields = {}, version = 1) =>
  ask(ConsumerGroupHeartbeat, version, { groupId: group, memberId, memberEpoch, ...more })
const all = { rebalanceTimeoutMs: 60_000, topicPartitions: [], subscribedTopicNames: [topic] }
const join = (memberId: string, more: Fields = {}, version = 1) => beat(memberId, 0, { ...all, ...more }, version)
const owns = (...partitions: readonly number[]) => ({ topicPartitions: [{ topicId: 'TOPIC', partitions }] })
const describe = (version = 1) =>
  ask(ConsumerGroupDescribe, version, { groupIds: [group], includeAuthorizedOperations: version === 1 })
const commit = (memberId: string, epoch: number, version = 9) =>
  ask(OffsetCommit, version, {
    groupId: group,
    generationIdOrMemberEpoch: epoch,
    memberId,
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: 'm' }] }],
  })
const fetched = (memberId: string | null, memberEpoch: number) =>
  ask(OffsetFetch, 9, { groups: [{ groupId: group, memberId, memberEpoch, topics: null }] })

const wrongRequests: readonly Call[] = [
  join('', {}, 1),
  beat('', 1, {}, 0),
  join('A', { groupId: '' }),
  join('A', { instanceId: '' }),
  join('A', { rackId: '' }),
  join('A', { rebalanceTimeoutMs: -1 }),
  join('A', { topicPartitions: null }),
  join('A', owns(0)),
  join('A', { subscribedTopicNames: null }),
  join('A', { serverAssignor: 'no-such' }),
  join('A', { serverAssignor: '' }),
  join('A', { subscribedTopicNames: null, subscribedTopicRegex: '(' }),
  join('A', { subscribedTopicNames: null, subscribedTopicRegex: '(a)\\1' }),
  join('A', { subscribedTopicNames: null, subscribedTopicRegex: '(?=a)b' }),
  beat('A', -3),
  beat('A', -2),
  beat('A', -1),
  beat('A', -2, { instanceId: 'i' }),
  beat('A', 1),
  beat('A', 5, all),
  describe(0),
  describe(),
]

const oneMember: readonly Call[] = [
  join('A', { rackId: 'r' }),
  beat('A', 2),
  beat('A', 2, all),
  beat('A', 2, { ...all, ...owns(0, 1, 2, 3) }),
  beat('A', 3),
  beat('A', 1),
  beat('A', 0),
  beat('B', 2),
  beat('A', 2, { instanceId: 'i' }),
  beat('A', 2, { serverAssignor: 'range' }),
  beat('A', 2, { serverAssignor: 'no-such' }),
  describe(0),
  describe(),
  join('A'),
  beat('A', 2, { subscribedTopicNames: [topic, 'GROUP-none'] }),
  beat('A', 2),
  beat('A', 2, owns(0, 1)),
  beat('A', 2, owns(0, 1, 9)),
  commit('A', 3),
  commit('A', 2),
  commit('A', 1),
  commit('A', 4),
  commit('A', -1),
  commit('B', 3),
  commit('', -1),
  commit('A', 3, 8),
  fetched('A', 3),
  fetched('A', 2),
  fetched('B', 3),
  fetched(null, -1),
  ask(ListGroups, 5, { statesFilter: [], typesFilter: ['consumer'] }),
  ask(DeleteGroups, 2, { groupsNames: [group] }),
  beat('A', 3, { subscribedTopicNames: [] }),
  beat('A', 3, { topicPartitions: [] }),
  commit('A', 4),
  beat('A', 4, { subscribedTopicNames: [topic] }),
  commit('A', 4),
]

const twoMembers: readonly Call[] = [
  join('B', { subscribedTopicNames: [topic] }),
  beat('B', 6),
  beat('A', 5),
  beat('A', 5, owns(0, 1, 2, 3)),
  commit('A', 5),
  beat('A', 5, owns(0, 1)),
  commit('A', 5),
  beat('B', 6),
  describe(),
  beat('A', 5, owns(0, 1)),
  beat('B', -1),
  beat('B', 6),
  beat('A', 6),
  describe(),
]

const staticMembers: readonly Call[] = [
  join('S', { instanceId: 'i' }),
  join('T', { instanceId: 'i' }),
  beat('T', 1, { instanceId: 'i' }),
  beat('S', 1, { instanceId: 'other' }),
  beat('T', -2, { instanceId: 'i' }),
  beat('S', -2, { instanceId: 'i' }),
  beat('S', 8, { instanceId: 'i' }),
  join('T', { instanceId: 'i' }),
  beat('S', 8, { instanceId: 'i' }),
  beat('S', -1, { instanceId: 'i' }),
  beat('T', -1, { instanceId: 'i' }),
  beat('A', -1),
  describe(),
]

const classic = (memberId: string, more: Fields = {}, version = 5) =>
  ask(JoinGroup, version, {
    groupId: group,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 20_000,
    memberId,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription }],
    ...more,
  })

/** Version 1 of a subscription to GROUP-topic, with nothing owned: its name is put in when it is sent. */
const subscription = 'SUBSCRIPTION'

const classicMembers: readonly Call[] = [
  join('N'),
  classic('C', { sessionTimeoutMs: 1 }),
  classic('C', { protocolType: 'connect' }),
  classic('C', { protocols: [] }),
  classic('C'),
  ask(Heartbeat, 4, { groupId: group, generationId: 12, memberId: 'C' }),
  ask(Heartbeat, 4, { groupId: group, generationId: 99, memberId: 'C' }),
  ask(Heartbeat, 4, { groupId: group, generationId: 12, memberId: 'N' }),
  beat('N', 11),
  ask(Heartbeat, 4, { groupId: group, generationId: 12, memberId: 'C' }),
  ask(SyncGroup, 5, {
    groupId: group,
    generationId: 12,
    memberId: 'C',
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [],
  }),
  ask(SyncGroup, 5, {
    groupId: group,
    generationId: 12,
    memberId: 'C',
    protocolType: 'consumer',
    protocolName: 'other',
    assignments: [],
  }),
  beat('N', 11, owns(0, 1)),
  ask(Heartbeat, 4, { groupId: group, generationId: 12, memberId: 'C' }),
  classic('C'),
  ask(SyncGroup, 4, { groupId: group, generationId: 12, memberId: 'C', assignments: [] }),
  ask(SyncGroup, 4, { groupId: group, generationId: 99, memberId: 'C', assignments: [] }),
  ask(SyncGroup, 4, { groupId: group, generationId: 12, memberId: 'N', assignments: [] }),
  classic('D', { protocols: [{ name: 'other', metadata: subscription }] }),
  describe(),
  ask(LeaveGroup, 5, { groupId: group, members: [{ memberId: 'nobody', groupInstanceId: null, reason: null }] }),
  ask(LeaveGroup, 5, { groupId: group, members: [{ memberId: 'C', groupInstanceId: null, reason: null }] }),
  beat('N', -1),
  describe(),
  ask(ListGroups, 5, { statesFilter: ['empty'], typesFilter: [] }),
  ask(DeleteGroups, 2, { groupsNames: [group] }),
  describe(),
]

const steps: readonly Call[] = [...wrongRequests, ...oneMember, ...twoMembers, ...staticMembers, ...classicMembers]

/** One line a call. `name` must be new to the broker, and as long as 'a-group'. */
export async function converse(client: RawClient, name: string): Promise<string[]> {
  const topicName = topic.replace(group, name)
  const wanted = { name: topicName, numPartitions: 4, replicationFactor: 1, assignments: [], configs: [] }
  await client.call(CreateTopics, 5, { topics: [wanted], timeoutMs: 5000, validateOnly: false })
  const named = { topicId: '00000000-0000-0000-0000-000000000000', name: topicName }
  const { topics } = await client.call(Metadata, 12, { topics: [named] })
  const { topicId } = topics[0]!
  const lines: string[] = []
  for (const { api, version, request } of steps) {
    const written = rewritten(request, text =>
      text === subscription ? subscriptionTo(topicName) : text === 'TOPIC' ? topicId : text.replace(group, name),
    )
    const response = await client.call(api, version, written as never)
    const even = rewritten(response, text => text.replace(name, group).replace(topicId, 'TOPIC'))
    lines.push(`${api.name} v${version} ${shown(even, evenedOut)}`)
  }
  return lines
}

function subscriptionTo(name: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeInt16BE(name.length)
  return Buffer.concat([
    Buffer.from([0, 1, 0, 0, 0, 1]),
    length,
    Buffer.from(name),
    Buffer.from([255, 255, 255, 255, 0, 0, 0, 0]),
  ])
}

const evenedOut = { without: new Set(['throttleTimeMs', 'errorMessage', 'clientHost']), groups: new Set([group]) }
