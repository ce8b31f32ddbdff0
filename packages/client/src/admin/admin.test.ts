/** What Admin does when a cluster is not as it should be; what it does when all is well is in suite/admin.suite.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AlterConfigs,
  CreateTopics,
  DeleteTopics,
  DescribeConfigs,
  DescribeGroups,
  ErrorCodes,
  FindCoordinator,
  IncrementalAlterConfigs,
  ListOffsets,
  OffsetCommit,
} from '@odradek/protocol'
import { simulated } from '../testing/simulated-cluster.ts'
import { applied } from './configs.ts'
import { planMove } from './offset-plan.ts'

test('topics that failed for a passing reason are tried again without those that were made', async () => {
  await simulated({}, async ({ cluster, kafka, run }) => {
    const asked: string[][] = []
    cluster.on(CreateTopics, request => {
      asked.push(request.topics.map(({ name }) => name))
      return {
        topics: request.topics.map(({ name }) => {
          const isLate = name === 'b' && asked.length === 1
          if (!isLate) cluster.addTopic(name, 1)
          return { name, errorCode: isLate ? ErrorCodes.NOT_CONTROLLER : 0, errorMessage: null }
        }),
      }
    })
    const created = await run(kafka.admin().topics.create([{ name: 'a' }, { name: 'b' }, { name: 'c' }]))
    assert.deepEqual(asked, [['a', 'b', 'c'], ['b']])
    assert.deepEqual(
      created.map(({ name }) => name),
      ['a', 'b', 'c'],
    )
  })
})

test('a topic whose creation was answered into a broken connection is not reported as there before', async () => {
  await simulated({}, async ({ cluster, kafka, run }) => {
    cluster.on(CreateTopics, request => {
      const exists = cluster.topics.has('t')
      if (!exists) cluster.addTopic('t', request.topics[0]!.numPartitions)
      const errorCode = exists ? ErrorCodes.TOPIC_ALREADY_EXISTS : 0
      return exists ? { topics: [{ name: 't', errorCode, errorMessage: null }] } : 'hang-up'
    })
    const [created] = await run(kafka.admin().topics.create({ name: 't', partitions: 2 }))
    assert.deepEqual([created!.isNew, created!.partitions], [true, 2])
    await assert.rejects(run(kafka.admin().topics.create({ name: 't' })), { code: 'TOPIC_ALREADY_EXISTS' })
  })
})

test('a broker without IncrementalAlterConfigs gets all settings of the topic, those that stay included', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    cluster.nodes[0]!.ranges = cluster.nodes[0]!.ranges.filter(({ apiKey }) => apiKey !== IncrementalAlterConfigs.key)
    const setting = (name: string, value: string, configSource: number) => ({
      name,
      value,
      readOnly: false,
      configSource,
      isSensitive: false,
      synonyms: [],
    })
    cluster.on(DescribeConfigs, () => ({
      results: [
        {
          errorCode: 0,
          errorMessage: null,
          resourceType: 2,
          resourceName: 't',
          configs: [setting('a', '1', 1), setting('b', '2', 1), setting('c', '3', 5)],
        },
      ],
    }))
    let written: unknown
    cluster.on(AlterConfigs, request => {
      written = request.resources[0]!.configs
      return { responses: [{ errorCode: 0, errorMessage: null, resourceType: 2, resourceName: 't' }] }
    })
    await run(kafka.admin().configs.alter({ topic: 't' }, { set: { d: true }, unset: ['b'] }))
    assert.deepEqual(written, [
      { name: 'a', value: '1' },
      { name: 'd', value: 'true' },
    ])
  })
})

test('lists are appended to without repetition and subtracted from', () => {
  const after = applied(new Map([['l', 'a,b']]), { append: { l: 'b,c' }, subtract: { l: 'a' } })
  assert.deepEqual([...after], [['l', 'b,c']])
})

test('a group whose coordinator has moved is asked for at the new one (platformatic#291)', async () => {
  await simulated({ nodes: 2 }, async ({ cluster, kafka, run }) => {
    let coordinator = 0
    cluster.on(FindCoordinator, request => {
      const { host, port } = cluster.nodes[coordinator]!.address
      const node = { nodeId: coordinator, host, port, errorCode: 0, errorMessage: null }
      return { ...node, coordinators: request.coordinatorKeys.map(key => ({ key, ...node })) }
    })
    cluster.on(DescribeGroups, (_, { node }) => {
      const errorCode = node.id === 1 ? 0 : ErrorCodes.NOT_COORDINATOR
      coordinator = 1
      return {
        groups: [{ errorCode, groupId: 'g', groupState: 'Empty', protocolType: '', protocolData: '', members: [] }],
      }
    })
    const group = await run(kafka.admin().groups.describe('g'))
    assert.deepEqual([group.state, group.coordinator], ['Empty', 1])
  })
})

test('offsets of a group that is alive are refused with what to do', async () => {
  await simulated({}, async ({ cluster, kafka, run }) => {
    const group = { errorCode: 0, groupId: 'g', groupState: 'Stable', protocolType: 'consumer', protocolData: 'range' }
    cluster.on(DescribeGroups, () => ({ groups: [{ ...group, members: [] }] }))
    cluster.on(OffsetCommit, () => ({
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: ErrorCodes.UNKNOWN_MEMBER_ID }] }],
    }))
    const setting = kafka.admin().groups.setOffsets('g', [{ topic: 't', partition: 0, offset: 1 }])
    await assert.rejects(run(setting), { code: 'UNKNOWN_MEMBER_ID', message: /stop its consumers first/ })
  })
})

test('partitions are asked about at their leaders, and again where a leader has moved', async () => {
  await simulated({ nodes: 2, topics: { t: 2 } }, async ({ cluster, kafka, run }) => {
    const asked: string[] = []
    cluster.on(ListOffsets, (request, { node }) => ({
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          asked.push(`${partitionIndex}@${node.id}`)
          const isMoved = partitionIndex === 1 && node.id === 1
          if (isMoved) cluster.topics.get('t')!.leaders[1] = 0
          return { partitionIndex, errorCode: isMoved ? ErrorCodes.NOT_LEADER_OR_FOLLOWER : 0, offset: 5 }
        }),
      })),
    }))
    const offsets = await run(kafka.admin().topics.offsets('t', 'latest'))
    assert.deepEqual(
      offsets.map(({ offset }) => offset),
      [5, 5],
    )
    assert.deepEqual(asked.sort(), ['0@0', '1@0', '1@1'])
  })
})

test('an abort ends an admin call that is being retried', async () => {
  await simulated({}, async ({ cluster, kafka, world, run }) => {
    cluster.on(DeleteTopics, request => ({
      responses: request.topics.map(({ name }) => ({ name, errorCode: ErrorCodes.REQUEST_TIMED_OUT })),
    }))
    const controller = new AbortController()
    world.clock.timer(700, () => controller.abort(new Error('enough')))
    await assert.rejects(run(kafka.admin().topics.delete('t', { signal: controller.signal })), /enough/)
    assert.ok(world.clock.monotonic() < 1_000)
  })
})

test('a reset moves offsets to where it is told, but not beyond what the partition holds', () => {
  const span = { topic: 't', partition: 0, earliest: 10, latest: 20, atTime: 15, committed: 12 }
  const to = (target: Parameters<typeof planMove>[1], more = {}) => planMove({ ...span, ...more }, target).to
  assert.equal(to('earliest'), 10)
  assert.equal(to('latest'), 20)
  assert.equal(to({ offset: 13 }), 13)
  assert.equal(to({ offset: 99 }), 20)
  assert.equal(to({ shift: -1 }), 11)
  assert.equal(to({ shift: -5 }), 10)
  assert.equal(to({ shift: 3 }, { committed: null }), 13)
  assert.equal(to({ timestamp: 1 }), 15)
  assert.equal(to({ timestamp: 1 }, { atTime: -1 }), 20)
})
