/** Streams groups through connections, as Java's clients meet them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CreateTopics,
  DeleteGroups,
  DescribeConfigs,
  ErrorCodes,
  IncrementalAlterConfigs,
  JoinGroup,
  ListGroups,
  Metadata,
  OffsetCommit,
  type RequestInput,
  type Response,
  StreamsGroupDescribe,
  StreamsGroupHeartbeat,
} from '@odradek/protocol'
import type { RawClient } from '../../testing/raw-client.ts'
import { TestBroker } from '../../testing/test-broker.ts'

type Beat = Partial<RequestInput<typeof StreamsGroupHeartbeat>>
type Reply = Response<typeof StreamsGroupHeartbeat>

const info = (name: string, topicConfigs: { key: string; value: string }[] = []) => ({
  name,
  partitions: 0,
  replicationFactor: 0,
  topicConfigs,
})

const subtopology = (subtopologyId: string, sourceTopics: string[]) => ({
  subtopologyId,
  sourceTopics,
  sourceTopicRegex: [],
  stateChangelogTopics: [] as ReturnType<typeof info>[],
  repartitionSinkTopics: [] as string[],
  repartitionSourceTopics: [] as ReturnType<typeof info>[],
  copartitionGroups: [] as { sourceTopics: number[]; sourceTopicRegex: number[]; repartitionSourceTopics: number[] }[],
})

/** Words are read, written anew by word, and counted. */
const wordCount = () => ({
  epoch: 3,
  subtopologies: [
    { ...subtopology('0', ['lines']), repartitionSinkTopics: ['g-repartition'] },
    {
      ...subtopology('1', []),
      repartitionSourceTopics: [info('g-repartition', [{ key: 'retention.ms', value: '-1' }])],
      stateChangelogTopics: [info('g-changelog', [{ key: 'cleanup.policy', value: 'compact' }])],
    },
  ],
})

const none = { activeTasks: [], standbyTasks: [], warmupTasks: [] }

const joining = (more: Beat = {}): Beat => ({
  memberEpoch: 0,
  rebalanceTimeoutMs: 60_000,
  topology: wordCount(),
  processId: 'p1',
  ...none,
  ...more,
})

function beat(client: RawClient, memberId: string, more: Beat = {}): Promise<Reply> {
  const blank = { groupId: 'g', memberId, memberEpoch: 0, endpointInformationEpoch: -1 }
  return client.call(StreamsGroupHeartbeat, 0, { ...blank, ...more })
}

/** '0:0,1 1:2' */
const shown = (tasks: Reply['activeTasks']): string | null =>
  tasks?.map(({ subtopologyId, partitions }) => `${subtopologyId}:${partitions}`).join(' ') ?? null

const owning = ({ activeTasks, standbyTasks, warmupTasks }: Reply): Beat => ({ activeTasks, standbyTasks, warmupTasks })

async function broker(partitions = 2): Promise<TestBroker> {
  const started = await TestBroker.start()
  await started.topic('lines', partitions)
  return started
}

test('the first member brings the topology, its topics are made, and it gets every task at once', async () => {
  await using started = await broker(3)
  const client = await started.client()
  const one = await beat(client, 'A', joining())
  assert.equal(one.errorCode, 0, String(one.errorMessage))
  assert.equal(shown(one.activeTasks), '0:0,1,2 1:0,1,2')
  assert.equal(shown(one.standbyTasks), '')
  assert.deepEqual(one.status, [])
  const { topics } = await client.call(Metadata, 12, {
    topics: ['g-repartition', 'g-changelog'].map(name => ({ topicId: '00000000-0000-0000-0000-000000000000', name })),
  })
  assert.deepEqual(
    topics.map(({ partitions }) => partitions.length),
    [3, 3],
  )
  const { results } = await client.call(DescribeConfigs, 4, {
    resources: [{ resourceType: 2, resourceName: 'g-changelog', configurationKeys: ['cleanup.policy'] }],
  })
  assert.equal(results[0]!.configs[0]!.value, 'compact')
  const same = await beat(client, 'A', { memberEpoch: one.memberEpoch })
  assert.deepEqual([same.errorCode, same.activeTasks, same.memberEpoch], [0, null, one.memberEpoch])
})

test('a second member gets its tasks when the first has given them up', async () => {
  await using started = await broker()
  const client = await started.client()
  const one = await beat(client, 'A', joining())
  const two = await beat(client, 'B', joining({ processId: 'p2' }))
  assert.equal(shown(two.activeTasks), '')
  const told = await beat(client, 'A', { memberEpoch: one.memberEpoch })
  assert.equal(told.memberEpoch, one.memberEpoch)
  assert.equal((await beat(client, 'B', { memberEpoch: two.memberEpoch })).activeTasks, null)
  const released = await beat(client, 'A', { memberEpoch: one.memberEpoch, ...owning(told) })
  assert.equal(released.memberEpoch, two.memberEpoch)
  const got = await beat(client, 'B', { memberEpoch: two.memberEpoch })
  const all = [...told.activeTasks!, ...got.activeTasks!].flatMap(({ subtopologyId, partitions }) =>
    partitions.map(partition => `${subtopologyId}_${partition}`),
  )
  assert.deepEqual(all.sort(), ['0_0', '0_1', '1_0', '1_1'])
})

test('standbys of tasks that keep state are with other processes, and follow the setting of the group', async () => {
  await using started = await broker()
  const client = await started.client()
  const configs = [{ name: 'streams.num.standby.replicas', configOperation: 0, value: '1' }]
  const resources = [{ resourceType: 32, resourceName: 'g', configs }]
  const { responses } = await client.call(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
  assert.equal(responses[0]!.errorCode, 0, String(responses[0]!.errorMessage))
  const one = await beat(client, 'A', joining())
  assert.equal(shown(one.standbyTasks), '')
  const two = await beat(client, 'B', joining({ processId: 'p2' }))
  const told = await beat(client, 'A', { memberEpoch: one.memberEpoch })
  const released = await beat(client, 'A', { memberEpoch: one.memberEpoch, ...owning(told) })
  const got = await beat(client, 'B', { memberEpoch: two.memberEpoch })
  const kept = await beat(client, 'A', { memberEpoch: released.memberEpoch, rebalanceTimeoutMs: 60_000 })
  const stateful = (tasks: Reply['activeTasks']) => tasks!.filter(({ subtopologyId }) => subtopologyId === '1')
  assert.deepEqual(stateful(kept.standbyTasks), stateful(got.activeTasks))
  assert.deepEqual(stateful(got.standbyTasks), stateful(kept.activeTasks))
})

test('a group is listed, described, committed to by its epoch, and deleted when it is empty', async () => {
  await using started = await broker(1)
  const client = await started.client()
  const one = await beat(client, 'A', joining({ clientTags: [{ key: 'zone', value: 'a' }], rackId: 'r' }))
  const { groups: listed } = await client.call(ListGroups, 5, { statesFilter: [], typesFilter: ['streams'] })
  assert.deepEqual(
    listed.map(({ groupId, protocolType, groupState, groupType }) => [groupId, protocolType, groupState, groupType]),
    [['g', 'streams', 'Stable', 'streams']],
  )
  const { groups } = await client.call(StreamsGroupDescribe, 0, {
    groupIds: ['g', 'none'],
    includeAuthorizedOperations: true,
  })
  const [described, missing] = groups
  assert.equal(missing!.errorCode, ErrorCodes.GROUP_ID_NOT_FOUND)
  assert.deepEqual([described!.groupState, described!.topology!.epoch], ['Stable', 3])
  assert.equal(described!.topology!.subtopologies![1]!.stateChangelogTopics[0]!.partitions, 1)
  const [member] = described!.members
  assert.deepEqual([member!.memberId, member!.processId, member!.rackId, member!.topologyEpoch], ['A', 'p1', 'r', 3])
  assert.deepEqual(member!.clientTags, [{ key: 'zone', value: 'a' }])
  assert.deepEqual(member!.assignment, member!.targetAssignment)
  assert.equal(shown(member!.assignment.activeTasks), '0:0 1:0')

  const commit = async (memberId: string, generationIdOrMemberEpoch: number, version = 9) => {
    const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }]
    const request = { groupId: 'g', memberId, generationIdOrMemberEpoch, topics: [{ name: 'lines', partitions }] }
    return (await client.call(OffsetCommit, version, request)).topics[0]!.partitions[0]!.errorCode
  }
  assert.equal(await commit('A', one.memberEpoch), 0)
  assert.equal(await commit('A', 0), ErrorCodes.STALE_MEMBER_EPOCH)
  assert.equal(await commit('X', 1), ErrorCodes.UNKNOWN_MEMBER_ID)
  assert.equal(await commit('A', one.memberEpoch, 8), ErrorCodes.UNSUPPORTED_VERSION)

  const remove = async () => (await client.call(DeleteGroups, 2, { groupsNames: ['g'] })).results[0]!.errorCode
  assert.equal(await remove(), ErrorCodes.NON_EMPTY_GROUP)
  const left = await beat(client, 'A', { memberEpoch: -1 })
  assert.deepEqual([left.errorCode, left.memberId, left.memberEpoch], [0, 'A', -1])
  assert.equal(await remove(), 0)
  assert.equal((await beat(client, 'A', { memberEpoch: 1 })).errorCode, ErrorCodes.GROUP_ID_NOT_FOUND)
})

test('what does not fit is told in the status, and mended when the topics are there', async () => {
  await using started = await TestBroker.start()
  const client = await started.client()
  const one = await beat(client, 'A', joining())
  assert.deepEqual(one.status, [{ statusCode: 1, statusDetail: 'Source topics lines are missing.' }])
  assert.equal(shown(one.activeTasks), '')
  await started.topic('lines', 2)
  const again = await beat(client, 'A', { memberEpoch: one.memberEpoch })
  assert.equal(shown(again.activeTasks), '0:0,1 1:0,1')

  await started.topic('other', 3)
  const joined = subtopology('0', ['lines', 'other'])
  joined.copartitionGroups.push({ sourceTopics: [0, 1], sourceTopicRegex: [], repartitionSourceTopics: [] })
  const misfit = await beat(client, 'A', joining({ groupId: 'h', topology: { epoch: 0, subtopologies: [joined] } }))
  assert.deepEqual(misfit.status, [
    { statusCode: 2, statusDetail: 'Following topics do not have the same number of partitions: [{lines=2, other=3}]' },
  ])
})

test('requests that make no sense are refused with the codes Kafka answers, and change nothing', async () => {
  await using started = await broker(1)
  const client = await started.client()
  const refused = async (memberId: string, more: Beat) => {
    const { errorCode, errorMessage } = await beat(client, memberId, more)
    return [errorCode, errorMessage]
  }
  const { FENCED_MEMBER_EPOCH, GROUP_ID_NOT_FOUND, INVALID_REQUEST, STREAMS_INVALID_TOPOLOGY, UNKNOWN_MEMBER_ID } =
    ErrorCodes
  assert.deepEqual(await refused('A', { memberEpoch: 1 }), [GROUP_ID_NOT_FOUND, 'Streams group g not found.'])
  assert.deepEqual(await refused('', joining()), [INVALID_REQUEST, "MemberId can't be empty."])
  assert.deepEqual(await refused('A', joining({ topology: null })), [
    INVALID_REQUEST,
    'Topology must be non-null when (re-)joining.',
  ])
  const fixed = wordCount()
  fixed.subtopologies[1]!.stateChangelogTopics[0]!.partitions = 4
  assert.equal((await refused('A', joining({ topology: fixed })))[0], STREAMS_INVALID_TOPOLOGY)
  const loop = wordCount()
  loop.subtopologies[0]!.repartitionSinkTopics = []
  assert.equal((await refused('A', joining({ topology: loop })))[0], STREAMS_INVALID_TOPOLOGY)
  assert.equal((await refused('A', { memberEpoch: 1 }))[0], GROUP_ID_NOT_FOUND)
  const { memberEpoch } = await beat(client, 'A', joining())
  assert.equal((await refused('B', { memberEpoch }))[0], UNKNOWN_MEMBER_ID)
  assert.equal((await refused('A', { memberEpoch: memberEpoch + 1 }))[0], FENCED_MEMBER_EPOCH)
  assert.equal((await refused('A', { memberEpoch: memberEpoch - 1 }))[0], FENCED_MEMBER_EPOCH)
  assert.deepEqual(await refused('B', joining({ topology: { ...wordCount(), epoch: 4 } })), [
    INVALID_REQUEST,
    'Topology updates are not supported yet.',
  ])
  const stale = await beat(client, 'B', joining({ topology: { ...wordCount(), epoch: 2 } }))
  assert.deepEqual([stale.errorCode, stale.status?.map(({ statusCode }) => statusCode)], [0, [0]])
  const tooMany = { activeTasks: [{ subtopologyId: '0', partitions: [1] }], standbyTasks: [], warmupTasks: [] }
  assert.deepEqual(await refused('A', { memberEpoch, ...tooMany }), [
    INVALID_REQUEST,
    'Task 1 for subtopology 0 is invalid. Number of tasks for this subtopology: 1',
  ])
})

test('one member asks for the end of the application, and all are told until nobody is left', async () => {
  await using started = await broker(1)
  const client = await started.client()
  const one = await beat(client, 'A', joining())
  await beat(client, 'B', joining())
  await beat(client, 'B', { memberEpoch: -1, shutdownApplication: true })
  const told = await beat(client, 'A', { memberEpoch: one.memberEpoch })
  assert.deepEqual(
    told.status?.map(({ statusCode }) => statusCode),
    [4],
  )
  await beat(client, 'A', { memberEpoch: -1 })
  assert.deepEqual((await beat(client, 'A', joining())).status, [])
})

test('members with an endpoint are found by the partitions of their tasks', async () => {
  await using started = await broker(2)
  const client = await started.client()
  const one = await beat(client, 'A', joining({ userEndpoint: { host: 'here', port: 8080 } }))
  assert.deepEqual(one.partitionsByUserEndpoint, [
    {
      userEndpoint: { host: 'here', port: 8080 },
      activePartitions: [
        { topic: 'lines', partitions: [0, 1] },
        { topic: 'g-repartition', partitions: [0, 1] },
      ],
      standbyPartitions: [],
    },
  ])
  const { endpointInformationEpoch } = one
  const same = await beat(client, 'A', { memberEpoch: one.memberEpoch, endpointInformationEpoch })
  assert.equal(same.partitionsByUserEndpoint, null)
  const two = await beat(client, 'B', joining({ processId: 'p2' }))
  await beat(client, 'A', { memberEpoch: one.memberEpoch })
  const moved = await beat(client, 'B', { memberEpoch: two.memberEpoch, endpointInformationEpoch })
  assert.notEqual(moved.endpointInformationEpoch, endpointInformationEpoch)
  assert.equal(moved.partitionsByUserEndpoint!.length, 1)
})

test('a group of another kind keeps its name; an empty classic one gives it up, and gets it back', async () => {
  await using started = await broker(1)
  const client = await started.client()
  const joinClassic = (groupId: string, protocolType = 'consumer') =>
    client.call(JoinGroup, 4, {
      groupId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      protocolType,
      protocols: [{ name: 'range', metadata: new Uint8Array() }],
    })
  const commit = async () => {
    const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }]
    const request = {
      groupId: 'g',
      memberId: '',
      generationIdOrMemberEpoch: -1,
      topics: [{ name: 'lines', partitions }],
    }
    return (await client.call(OffsetCommit, 9, request)).topics[0]!.partitions[0]!.errorCode
  }
  assert.equal(await commit(), 0)
  assert.equal((await beat(client, 'A', joining())).errorCode, 0)
  assert.equal((await joinClassic('g')).errorCode, ErrorCodes.INCONSISTENT_GROUP_PROTOCOL)
  await beat(client, 'A', { memberEpoch: -1 })
  assert.equal((await joinClassic('g')).errorCode, ErrorCodes.MEMBER_ID_REQUIRED)
  const { groups } = await client.call(ListGroups, 5, { statesFilter: [], typesFilter: ['classic'] })
  assert.deepEqual(
    groups.map(({ groupId }) => groupId),
    ['g'],
  )
})

test('topics that cannot be made are named with the reason', async () => {
  await using started = await broker(1)
  const client = await started.client()
  const topology = wordCount()
  topology.subtopologies[1]!.repartitionSourceTopics[0]!.replicationFactor = 3
  const one = await beat(client, 'A', joining({ topology }))
  assert.match(one.status![0]!.statusDetail, /^Internal topics are missing: .*; Creation failed: \[g-repartition: Repl/)
  const { topics } = await client.call(CreateTopics, 7, {
    topics: [{ name: 'g-repartition', numPartitions: 1, replicationFactor: -1, assignments: [], configs: [] }],
  })
  assert.equal(topics[0]!.errorCode, 0)
  const again = await beat(client, 'A', { memberEpoch: one.memberEpoch })
  assert.equal(shown(again.activeTasks), '0:0 1:0')
})
