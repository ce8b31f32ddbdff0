import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
  DescribeCluster,
  DescribeLogDirs,
  DescribeProducers,
  DescribeTopicPartitions,
  ElectLeaders,
  ErrorCodes,
  encodeBatch,
  InitProducerId,
  ListPartitionReassignments,
  Metadata,
  type RequestInput,
  type Response,
} from '@odradek/protocol'
import type { RawClient } from './testing/raw-client.ts'
import { produceTo, TestBroker } from './testing/test-broker.ts'

type NewTopic = RequestInput<typeof CreateTopics>['topics'][number]

const spec = (name: string, more: Partial<NewTopic> = {}): NewTopic => {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...more }
}

async function create(client: RawClient, topic: NewTopic, version = 7, validateOnly = false) {
  const { topics } = await client.call(CreateTopics, version, { topics: [topic], validateOnly })
  return topics[0]!
}

const refusedTopics: Record<string, { topic: NewTopic; error: number; version?: number }> = {
  'an empty name': { topic: spec(''), error: ErrorCodes.INVALID_TOPIC_EXCEPTION },
  'two dots': { topic: spec('..'), error: ErrorCodes.INVALID_TOPIC_EXCEPTION },
  'a slash': { topic: spec('a/b'), error: ErrorCodes.INVALID_TOPIC_EXCEPTION },
  '250 characters': { topic: spec('a'.repeat(250)), error: ErrorCodes.INVALID_TOPIC_EXCEPTION },
  'a name that is taken': { topic: spec('my.topic'), error: ErrorCodes.TOPIC_ALREADY_EXISTS },
  'a name that differs in a dot': { topic: spec('my_topic'), error: ErrorCodes.INVALID_TOPIC_EXCEPTION },
  'no partitions': { topic: spec('x', { numPartitions: 0 }), error: ErrorCodes.INVALID_PARTITIONS },
  'no replicas': { topic: spec('x', { replicationFactor: 0 }), error: ErrorCodes.INVALID_REPLICATION_FACTOR },
  'more than one replica': {
    topic: spec('x', { replicationFactor: 2 }),
    error: ErrorCodes.INVALID_REPLICATION_FACTOR,
  },
  'counts and assignments': {
    topic: spec('x', { assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
    error: ErrorCodes.INVALID_REQUEST,
  },
  'an assignment to nobody': {
    topic: spec('x', {
      numPartitions: -1,
      replicationFactor: -1,
      assignments: [{ partitionIndex: 0, brokerIds: [9] }],
    }),
    error: ErrorCodes.INVALID_REPLICA_ASSIGNMENT,
  },
  'assignments with a gap': {
    topic: spec('x', {
      numPartitions: -1,
      replicationFactor: -1,
      assignments: [{ partitionIndex: 1, brokerIds: [1] }],
    }),
    error: ErrorCodes.INVALID_REPLICA_ASSIGNMENT,
  },
  'an unknown setting': {
    topic: spec('x', { configs: [{ name: 'no.such', value: '1' }] }),
    error: ErrorCodes.INVALID_CONFIG,
  },
  'a bad value': {
    topic: spec('x', { configs: [{ name: 'retention.ms', value: 'soon' }] }),
    error: ErrorCodes.INVALID_CONFIG,
  },
  'a null value': {
    topic: spec('x', { configs: [{ name: 'retention.ms', value: null }] }),
    error: ErrorCodes.INVALID_CONFIG,
  },
  'tiered storage': {
    topic: spec('x', { configs: [{ name: 'remote.storage.enable', value: 'true' }] }),
    error: ErrorCodes.INVALID_CONFIG,
  },
}

test('a topic that cannot be created says why', async t => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  assert.equal((await create(client, spec('my.topic'))).errorCode, 0)
  for (const [name, { topic, error, version = 7 }] of Object.entries(refusedTopics)) {
    await t.test(name, async () => {
      const answer = await create(client, topic, version)
      assert.equal(answer.errorCode, error, answer.errorMessage ?? '')
      assert.ok(answer.errorMessage)
    })
  }
  const { topics } = await client.call(Metadata, 12, { topics: null })
  assert.deepEqual(
    topics.map(topic => topic.name),
    ['my.topic'],
  )
})

test('a created topic is described with all its settings; validateOnly creates nothing', async () => {
  await using broker = await TestBroker.start({ config: { 'num.partitions': '4' } })
  const client = await broker.client()
  const asked = spec('t', {
    numPartitions: -1,
    replicationFactor: -1,
    configs: [{ name: 'retention.ms', value: '1000' }],
  })
  for (const validateOnly of [true, false]) {
    const answer = await create(client, asked, 7, validateOnly)
    assert.deepEqual([answer.errorCode, answer.numPartitions, answer.replicationFactor], [0, 4, 1])
    assert.equal(answer.configs!.find(({ name }) => name === 'retention.ms')!.value, '1000')
    const { topics } = await client.call(Metadata, 12, { topics: null })
    assert.equal(topics.length, validateOnly ? 0 : 1)
  }
})

test('a topic twice in one request is refused, once', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  const { topics } = await client.call(CreateTopics, 7, { topics: [spec('t'), spec('t'), spec('u')] })
  assert.deepEqual(
    topics.map(topic => topic.errorCode),
    [ErrorCodes.INVALID_REQUEST, 0],
  )
})

test('a topic created again has another id', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  const first = await create(client, spec('t'))
  await produceTo(client, 't', [{ value: 'old' }])
  const { responses } = await client.call(DeleteTopics, 6, {
    topics: [{ name: null, topicId: first.topicId }],
    timeoutMs: 1000,
  })
  assert.deepEqual([responses[0]!.errorCode, responses[0]!.name], [0, 't'])
  const second = await create(client, spec('t'))
  assert.notEqual(second.topicId, first.topicId)
  assert.equal((await produceTo(client, 't', [{ value: 'new' }])).baseOffset, 0)
})

test('what cannot be deleted says why', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  const { topicId } = await create(client, spec('t'))
  const noId = '00000000-0000-0000-0000-000000000000'
  const topics = [
    { name: 'nowhere', topicId: noId },
    { name: null, topicId: topicId.replace(/^./, first => (first === '0' ? '1' : '0')) },
    { name: 't', topicId },
  ]
  const { responses } = await client.call(DeleteTopics, 6, { topics, timeoutMs: 1000 })
  assert.deepEqual(
    responses.map(row => row.errorCode),
    [ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION, ErrorCodes.UNKNOWN_TOPIC_ID, ErrorCodes.INVALID_REQUEST],
  )
})

test('more partitions: one row per topic, never fewer than before', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  await create(client, spec('t', { numPartitions: 2 }))
  await create(client, spec('u'))
  const grow = async (name: string, count: number) => {
    const { results } = await client.call(CreatePartitions, 3, {
      topics: [{ name, count, assignments: null }],
      timeoutMs: 100,
      validateOnly: false,
    })
    return results[0]!.errorCode
  }
  assert.equal(await grow('t', 1), ErrorCodes.INVALID_PARTITIONS)
  assert.equal(await grow('t', 2), ErrorCodes.INVALID_PARTITIONS)
  assert.equal(await grow('nowhere', 2), ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal(await grow('t', 4), ErrorCodes.NONE)
  for (const name of ['__consumer_offsets', '__transaction_state', '__share_group_state']) {
    await create(client, spec(name, { numPartitions: 2 }))
    assert.equal(await grow(name, 4), ErrorCodes.INVALID_TOPIC_EXCEPTION, 'keys would be looked for elsewhere')
  }
  const { topics } = await client.call(Metadata, 12, { topics: [{ name: 't' }, { name: 'u' }] })
  assert.deepEqual(
    topics.map(topic => topic.partitions.length),
    [4, 1],
  )
})

test('metadata: everything, nothing, by name, by id', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  const { topicId } = await create(client, spec('t'))
  const names = async (version: number, topics: RequestInput<typeof Metadata>['topics']) => {
    const answer = await client.call(Metadata, version, { topics, allowAutoTopicCreation: false })
    return answer.topics.map(topic => [topic.name, topic.errorCode])
  }
  for (let version = 1; version <= 13; version++) assert.deepEqual(await names(version, null), [['t', 0]])
  assert.deepEqual(await names(0, []), [['t', 0]])
  assert.deepEqual(await names(1, []), [])
  assert.deepEqual(await names(12, [{ name: null, topicId }]), [['t', 0]])
  assert.deepEqual(
    await names(12, [{ name: null, topicId: topicId.replace(/^./, first => (first === '0' ? '1' : '0')) }]),
    [[null, ErrorCodes.UNKNOWN_TOPIC_ID]],
  )
  assert.deepEqual(await names(12, [{ name: 'x' }, { name: 'a b' }]), [
    ['x', ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    ['a b', ErrorCodes.INVALID_TOPIC_EXCEPTION],
  ])
})

test('asking for a missing topic creates it, once, where the client and the broker allow it', async () => {
  await using broker = await TestBroker.start({ config: { 'num.partitions': '3' } })
  const clients = await Promise.all([broker.client(), broker.client(), broker.client()])
  const answers = await Promise.all(clients.map(client => client.call(Metadata, 12, { topics: [{ name: 't' }] })))
  assert.deepEqual(
    answers.map(({ topics }) => [topics[0]!.errorCode, topics[0]!.partitions.length]),
    [
      [0, 3],
      [0, 3],
      [0, 3],
    ],
  )
  assert.equal(new Set(answers.map(({ topics }) => topics[0]!.topicId)).size, 1)
  await using strict = await TestBroker.start({ config: { 'auto.create.topics.enable': 'false' } })
  const { topics } = await (await strict.client()).call(Metadata, 12, { topics: [{ name: 't' }] })
  assert.equal(topics[0]!.errorCode, ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
})

test('operations are told to those who ask', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  await create(client, spec('t'))
  const plain = await client.call(Metadata, 10, { topics: null })
  assert.deepEqual(
    [plain.clusterAuthorizedOperations, plain.topics[0]!.topicAuthorizedOperations],
    [-2147483648, -2147483648],
  )
  const asked = await client.call(Metadata, 10, {
    topics: null,
    includeClusterAuthorizedOperations: true,
    includeTopicAuthorizedOperations: true,
  })
  assert.deepEqual([asked.clusterAuthorizedOperations, asked.topics[0]!.topicAuthorizedOperations], [8096, 3576])
})

test('topics are described page by page', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  for (const name of ['a', 'b', 'c']) await create(client, spec(name, { numPartitions: 3 }))
  const seen: string[] = []
  let cursor: RequestInput<typeof DescribeTopicPartitions>['cursor'] = null
  do {
    const page: Response<typeof DescribeTopicPartitions> = await client.call(DescribeTopicPartitions, 0, {
      topics: [],
      responsePartitionLimit: 4,
      cursor,
    })
    for (const { name, partitions } of page.topics)
      seen.push(...partitions.map(({ partitionIndex }) => `${name}${partitionIndex}`))
    cursor = page.nextCursor
  } while (cursor)
  assert.deepEqual(seen, ['a0', 'a1', 'a2', 'b0', 'b1', 'b2', 'c0', 'c1', 'c2'])
  const { topics } = await client.call(DescribeTopicPartitions, 0, { topics: [{ name: 'x' }] })
  assert.equal(topics[0]!.errorCode, ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
})

test('the APIs of operators answer well-formed', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  await create(client, spec('t'))
  const { producerId } = await client.call(InitProducerId, 5, { transactionalId: null, transactionTimeoutMs: 0 })
  await produceTo(client, 't', encodeBatch([{ value: 'v' }], { producerId, producerEpoch: 0, baseSequence: 0 }))
  const cluster = await client.call(DescribeCluster, 2, { includeClusterAuthorizedOperations: false })
  assert.deepEqual([cluster.clusterId, cluster.brokers.length], [broker.broker.clusterId, 1])
  const { results } = await client.call(DescribeLogDirs, 4, { topics: null })
  assert.equal(results[0]!.topics[0]!.partitions[0]!.partitionSize > 60, true)
  const moves = await client.call(ListPartitionReassignments, 0, {})
  assert.deepEqual(moves.topics, [])
  const producers = await client.call(DescribeProducers, 0, { topics: [{ name: 't', partitionIndexes: [0, 1] }] })
  assert.deepEqual(
    producers.topics[0]!.partitions.map(row => [row.errorCode, row.activeProducers.length]),
    [
      [0, 1],
      [3, 0],
    ],
  )
  const election = await client.call(ElectLeaders, 2, { topicPartitions: [{ topic: 't', partitions: [0] }] })
  assert.equal(election.replicaElectionResults[0]!.partitionResult[0]!.errorCode, ErrorCodes.ELECTION_NOT_NEEDED)
})
