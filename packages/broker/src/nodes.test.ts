import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ConsumerGroupHeartbeat,
  CreatePartitions,
  CreateTopics,
  EndTxn,
  ErrorCodes,
  encodeBatch,
  Fetch,
  FindCoordinator,
  Heartbeat,
  InitProducerId,
  Metadata,
  Produce,
  ShareGroupHeartbeat,
  StreamsGroupHeartbeat,
  TxnOffsetCommit,
} from '@odradek/protocol'
import type { RawClient } from './testing/raw-client.ts'
import { fetchRequest, produceRequest, TestBroker } from './testing/test-broker.ts'

test('one process presents several nodes, and spreads the leaders over them', async () => {
  await using broker = await TestBroker.start({ nodes: 3 })
  await broker.topic('t', 6)
  const ports = broker.broker.bootstrap.split(',').map(address => Number(address.split(':')[1]))
  const { brokers, topics } = await (await broker.client()).call(Metadata, 12, { topics: null })
  assert.deepEqual(
    brokers.map(({ nodeId, port }) => [nodeId, port]),
    [1, 2, 3].map((id, i) => [id, ports[i]]),
  )
  const led = topics[0]!.partitions.map(partition => partition.leaderId)
  for (const node of [1, 2, 3]) assert.equal(led.filter(id => id === node).length, 2)
})

test('a node that does not lead says who does', async () => {
  await using broker = await TestBroker.start({ nodes: 2 })
  await broker.topic('t', 2)
  const { topics } = await (await broker.client()).call(Metadata, 12, { topics: null })
  for (const node of [1, 2]) {
    const client = await broker.client(node - 1)
    for (const { partitionIndex: partition, leaderId } of topics[0]!.partitions) {
      const expected = leaderId === node ? ErrorCodes.NONE : ErrorCodes.NOT_LEADER_OR_FOLLOWER
      const produced = await client.call(Produce, 10, produceRequest('t', encodeBatch([{ value: 'v' }]), { partition }))
      assert.equal(produced.responses[0]!.partitionResponses[0]!.errorCode, expected)
      const fetched = await client.call(Fetch, 16, {
        ...fetchRequest('t', 0),
        topics: [{ topicId: topics[0]!.topicId, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
      })
      assert.equal(fetched.responses[0]!.partitions[0]!.errorCode, expected)
      if (expected === ErrorCodes.NONE) continue
      for (const answer of [produced.responses[0]!.partitionResponses[0]!, fetched.responses[0]!.partitions[0]!]) {
        assert.equal(answer.currentLeader.leaderId, leaderId)
      }
      for (const { nodeEndpoints } of [produced, fetched])
        assert.deepEqual(
          nodeEndpoints.map(end => end.nodeId),
          [leaderId],
        )
    }
  }
})

test('groups are spread over the nodes, and the wrong one says so', async () => {
  await using broker = await TestBroker.start({ nodes: 2 })
  const clients = [await broker.client(0), await broker.client(1)]
  const homes = new Set<number>()
  for (const key of ['g1', 'g2', 'g3', 'g4', 'g5', 'g6']) {
    const { coordinators } = await clients[0]!.call(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [key] })
    const { nodeId } = coordinators[0]!
    homes.add(nodeId)
    for (const [i, client] of clients.entries()) {
      const { errorCode } = await client.call(Heartbeat, 4, { groupId: key, generationId: 1, memberId: 'm' })
      assert.equal(errorCode, nodeId === i + 1 ? ErrorCodes.UNKNOWN_MEMBER_ID : ErrorCodes.NOT_COORDINATOR)
    }
  }
  assert.equal(homes.size, 2)
})

test('a partition has one replica, however many nodes there are; more are refused', async () => {
  await using broker = await TestBroker.start({ nodes: 3 })
  const client = await broker.client()
  const create = async (replicationFactor: number, brokerIds?: number[]) => {
    const assignments = brokerIds ? [{ partitionIndex: 0, brokerIds }] : []
    const topic = { name: 't', numPartitions: brokerIds ? -1 : 1, replicationFactor, assignments, configs: [] }
    return (await client.call(CreateTopics, 7, { topics: [topic] })).topics[0]!
  }
  for (const replicas of [2, 3]) {
    const { errorCode, errorMessage } = await create(replicas)
    assert.equal(errorCode, ErrorCodes.INVALID_REPLICATION_FACTOR)
    assert.match(errorMessage!, /every partition has one replica/)
  }
  assert.equal((await create(-1, [1, 2])).errorCode, ErrorCodes.INVALID_REPLICA_ASSIGNMENT)
  const created = await create(-1)
  assert.deepEqual([created.errorCode, created.replicationFactor], [0, 1])
  const { topics } = await client.call(Metadata, 12, { topics: [{ name: 't' }] })
  const { leaderId, replicaNodes, isrNodes } = topics[0]!.partitions[0]!
  assert.deepEqual([replicaNodes, isrNodes], [[leaderId], [leaderId]])
  const { results } = await client.call(CreatePartitions, 3, {
    topics: [{ name: 't', count: 2, assignments: [{ brokerIds: [1, 2] }] }],
    timeoutMs: 1000,
    validateOnly: false,
  })
  assert.equal(results[0]!.errorCode, ErrorCodes.INVALID_REPLICA_ASSIGNMENT)
})

test('a program that cannot ask for less than three replicas gets one, where the broker was told to accept that', async () => {
  await using broker = await TestBroker.start({ config: { 'odradek.replication.factor.accepted': '3' } })
  const client = await broker.client()
  const topic = (name: string, replicationFactor: number) => ({
    ...{ name, numPartitions: 1, replicationFactor, assignments: [], configs: [] },
  })
  const asked = { topics: [topic('three', 3), topic('four', 4), topic('none', 0)] }
  const { topics } = await client.call(CreateTopics, 7, asked)
  assert.deepEqual(
    topics.map(({ errorCode, replicationFactor }) => [errorCode, replicationFactor]),
    [
      [ErrorCodes.NONE, 1],
      [ErrorCodes.INVALID_REPLICATION_FACTOR, -1],
      [ErrorCodes.INVALID_REPLICATION_FACTOR, -1],
    ],
  )
})

test('the advertised address is told instead of the one that was dialled, one port for each node', async () => {
  await using broker = await TestBroker.start({
    nodes: 2,
    config: { 'advertised.listeners': 'PLAINTEXT://kafka.example.com:7000', 'broker.rack': 'r' },
  })
  const { brokers } = await (await broker.client()).call(Metadata, 12, { topics: [] })
  assert.deepEqual(brokers, [
    { nodeId: 1, host: 'kafka.example.com', port: 7000, rack: 'r' },
    { nodeId: 2, host: 'kafka.example.com', port: 7001, rack: 'r' },
  ])
})

/** A request about each kind of coordinated thing, and where its answer has its error code. */
const coordinated: readonly [what: string, keyType: 0 | 1, ask: (client: RawClient, key: string) => Promise<number>][] =
  [
    [
      'a transactional id',
      1,
      async (client, key) => {
        const identity = { transactionalId: key, transactionTimeoutMs: 60_000, producerId: -1n, producerEpoch: -1 }
        return (await client.call(InitProducerId, 4, identity)).errorCode
      },
    ],
    [
      'a transaction that ends',
      1,
      async (client, key) => {
        const end = { transactionalId: key, producerId: 1n, producerEpoch: 0, committed: true }
        return (await client.call(EndTxn, 4, end)).errorCode
      },
    ],
    [
      'offsets in a transaction',
      0,
      async (client, key) => {
        const topics = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }] }]
        const commit = { transactionalId: 'x', groupId: key, producerId: 1n, producerEpoch: 0, topics }
        const { topics: answers } = await client.call(TxnOffsetCommit, 3, { generationId: -1, memberId: '', ...commit })
        return answers[0]!.partitions[0]!.errorCode
      },
    ],
    [
      'a member of a consumer group',
      0,
      async (client, key) => {
        const member = { groupId: key, memberId: 'm', memberEpoch: -1 }
        return (await client.call(ConsumerGroupHeartbeat, 0, member)).errorCode
      },
    ],
    [
      'a member of a share group',
      0,
      async (client, key) => {
        const member = { groupId: key, memberId: 'm', memberEpoch: -1 }
        return (await client.call(ShareGroupHeartbeat, 1, member)).errorCode
      },
    ],
    [
      'a member of a streams group',
      0,
      async (client, key) => {
        const member = { groupId: key, memberId: 'm', memberEpoch: -1, endpointInformationEpoch: 0 }
        return (await client.call(StreamsGroupHeartbeat, 0, member)).errorCode
      },
    ],
  ]

for (const [what, keyType, ask] of coordinated) {
  test(`the node that does not coordinate ${what} says so, the one that does answers`, async () => {
    await using broker = await TestBroker.start({ nodes: 2 })
    const clients = [await broker.client(0), await broker.client(1)]
    const homes = new Set<number>()
    for (const key of ['k1', 'k2', 'k3', 'k4', 'k5', 'k6']) {
      const { coordinators } = await clients[0]!.call(FindCoordinator, 4, { keyType, coordinatorKeys: [key] })
      const { nodeId } = coordinators[0]!
      homes.add(nodeId)
      for (const [i, client] of clients.entries()) {
        const isRefused = (await ask(client, key)) === ErrorCodes.NOT_COORDINATOR
        assert.equal(isRefused, nodeId !== i + 1, `${key} at node ${i + 1}`)
      }
    }
    assert.equal(homes.size, 2)
  })
}
