import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiVersions, ErrorCodes, FindCoordinator, Metadata } from '@odradek/protocol'
import { Kafka } from '../kafka.ts'
import { simulated } from '../testing/simulated-cluster.ts'

test('bootstrap addresses are tried in turn until one answers', async () => {
  await simulated({ nodes: 2 }, async ({ cluster, kafka, run }) => {
    await run(cluster.nodes[0]!.stop())
    const { brokers } = await run(kafka.cluster.describe([]))
    assert.deepEqual([...brokers.keys()], [1])
  })
})

test('when no address answers, the error tells what each one said', async () => {
  await simulated({ nodes: 2, kafka: { retryTimeoutMs: 500 } }, async ({ cluster, kafka, run }) => {
    const addresses = cluster.nodes.map(({ address }) => address.port)
    for (const node of cluster.nodes) await run(node.stop())
    await assert.rejects(run(kafka.cluster.metadata(['t'])), (error: Error) => {
      assert.match(error.message, /no broker can be reached; 2 addresses were tried/)
      for (const port of addresses) assert.match(error.message, new RegExp(`:${port}: connection refused`))
      return true
    })
  })
})

test('a client outlives the brokers it was started with, by those it has discovered (platformatic#234)', async () => {
  await simulated({ nodes: 3, topics: { t: 3 } }, async ({ cluster, world, run }) => {
    const first = `127.0.0.1:${cluster.nodes[0]!.address.port}`
    await using kafka = new Kafka({ brokers: first, world })
    await run(kafka.cluster.metadata(['t']))
    await run(cluster.nodes[0]!.stop())
    cluster.topics.get('t')!.leaders.fill(2)
    await run(kafka.cluster.retrying({}, () => kafka.cluster.refresh()))
    assert.equal(kafka.cluster.leaderOf('t', 0), 2)
    await run(kafka.close())
  })
})

test('when all discovered brokers are gone, the bootstrap addresses are asked for, and asked, again', async () => {
  await simulated({ nodes: 2 }, async ({ cluster, world, run }) => {
    let current = 0
    let lookUps = 0
    const brokers = async () => {
      lookUps++
      return [`127.0.0.1:${cluster.nodes[current]!.address.port}`]
    }
    await run(cluster.nodes[1]!.stop())
    const kafka = new Kafka({ brokers, world })
    await run(kafka.cluster.describe([]))
    const before = lookUps
    await run(cluster.nodes[0]!.stop())
    await cluster.nodes[1]!.listen()
    current = 1
    const { brokers: found } = await run(kafka.cluster.retrying({}, () => kafka.cluster.describe([])))
    assert.deepEqual([...found.keys()], [1])
    assert.ok(lookUps > before)
    await run(kafka.close())
  })
})

test('a broker that accepts connections and says nothing is passed over: timeouts are retried elsewhere (platformatic#305)', async () => {
  await simulated(
    { nodes: 2, kafka: { connectTimeoutMs: 1_000, requestTimeoutMs: 1_000 } },
    async ({ cluster, kafka, run }) => {
      cluster.on(ApiVersions, (request, call) =>
        call.node.id === 0 ? 'silence' : cluster.healthy(ApiVersions, request, call),
      )
      await run(kafka.cluster.describe([]))
      assert.equal(cluster.seen.at(-1)!.node, 1)
    },
  )
  await simulated({ nodes: 2, kafka: { requestTimeoutMs: 1_000 } }, async ({ cluster, kafka, run }) => {
    cluster.on(Metadata, (request, call) => (call.node.id === 0 ? 'silence' : cluster.healthy(Metadata, request, call)))
    await run(kafka.cluster.retrying({}, () => kafka.cluster.describe([])))
    assert.equal(cluster.seen.at(-1)!.node, 1)
  })
})

test('a broker that sends its clients back is left for the bootstrap addresses (KIP-1102)', async () => {
  await simulated({ nodes: 2 }, async ({ cluster, kafka, run }) => {
    await run(kafka.cluster.describe([]))
    cluster.once(Metadata, () => ({ brokers: [], topics: [], errorCode: ErrorCodes.REBOOTSTRAP_REQUIRED }))
    const { brokers } = await run(kafka.cluster.retrying({}, () => kafka.cluster.describe([])))
    assert.equal(brokers.size, 2)
  })
})

test('an advertised address that does not work is told from a broker that is down', async () => {
  await simulated({ kafka: { retryTimeoutMs: 500 } }, async ({ cluster, kafka, run }) => {
    const [node] = cluster.nodes
    node!.advertised = { host: 'broker.internal', port: 9092 }
    await run(kafka.cluster.describe([]))
    await assert.rejects(run(kafka.cluster.call(0, Metadata, { topics: [] })), (error: Error) => {
      assert.match(error.message, /answered, but the address it advertises for node 0, broker\.internal:9092, does not/)
      assert.match(error.message, /advertised\.listeners/)
      return true
    })
  })
})

test('a topic that is missing is told with how to create it, and one that appears in time is found', async () => {
  await simulated({}, async ({ cluster, kafka, run }) => {
    await assert.rejects(run(kafka.cluster.metadata(['orders'], { timeoutMs: 1_000 })), {
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      message: /Topic 'orders' does not exist on 127\.0\.0\.1:\d+\. Create it with .*odradek topic create orders/,
    })
    const late = kafka.cluster.metadata(['late'])
    const asked = cluster.count(Metadata)
    cluster.once(Metadata, (request, call) => {
      cluster.addTopic('late', 2)
      return cluster.healthy(Metadata, { ...request, topics: [] }, call)
    })
    assert.equal((await run(late))[0]!.partitions.length, 2)
    assert.ok(cluster.count(Metadata) > asked)
  })
})

test('metadata waits for a leader of every partition', async () => {
  await simulated({ topics: { t: 2 } }, async ({ cluster, kafka, run }) => {
    cluster.topics.get('t')!.leaders[1] = -1
    cluster.once(Metadata, (request, call) => {
      const answer = cluster.healthy(Metadata, request, call)
      cluster.topics.get('t')!.leaders[1] = 0
      return answer
    })
    const [topic] = await run(kafka.cluster.metadata(['t']))
    assert.deepEqual(
      topic!.partitions.map(({ leader }) => leader),
      [0, 0],
    )
  })
})

test('an answer from a broker that is behind does not bring back an old leader (leader epochs)', async () => {
  await simulated({ nodes: 2, topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const told = (leaderId: number, leaderEpoch: number) => {
      cluster.once(Metadata, () => ({
        brokers: cluster.nodes.map(node => ({ nodeId: node.id, ...node.address })),
        controllerId: 0,
        topics: [
          {
            errorCode: 0,
            name: 't',
            partitions: [{ errorCode: 0, partitionIndex: 0, leaderId, leaderEpoch, replicaNodes: [], isrNodes: [] }],
          },
        ],
      }))
      return run(kafka.cluster.describe(['t']))
    }
    await told(1, 7)
    await told(0, 6)
    assert.equal(kafka.cluster.leaderOf('t', 0), 1)
    await told(0, 8)
    assert.equal(kafka.cluster.leaderOf('t', 0), 0)
  })
})

test('refreshes asked for at the same time are one question, and the next one waits a little', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, world, run }) => {
    await run(kafka.cluster.metadata(['t']))
    const before = cluster.count(Metadata)
    await run(Promise.all([kafka.cluster.refresh(), kafka.cluster.refresh(), kafka.cluster.refresh()]))
    assert.equal(cluster.count(Metadata), before + 1)
    const start = world.clock.monotonic()
    await run(kafka.cluster.refresh())
    assert.ok(world.clock.monotonic() - start >= 80)
  })
})

test('metadata is asked for anew when it has grown old', async () => {
  await simulated({ topics: { t: 1 }, kafka: { metadataMaxAgeMs: 60_000 } }, async ({ cluster, kafka, world, run }) => {
    await run(kafka.cluster.metadata(['t']))
    const before = cluster.count(Metadata)
    await world.clock.advance(61_000)
    assert.equal(cluster.count(Metadata), before + 1)
  })
})

test('a coordinator is remembered, looked up once for all who ask, and looked up anew after NOT_COORDINATOR (platformatic#291)', async () => {
  await simulated({ nodes: 2 }, async ({ cluster, kafka, run }) => {
    const found = await run(
      Promise.all([kafka.cluster.coordinator('group', 'g'), kafka.cluster.coordinator('group', 'g')]),
    )
    assert.deepEqual(found, [0, 0])
    assert.equal(cluster.count(FindCoordinator), 1)
    cluster.on(FindCoordinator, request => {
      const { port, host } = cluster.nodes[1]!.address
      const node = { nodeId: 1, host, port, errorCode: 0, errorMessage: null }
      return { ...node, coordinators: request.coordinatorKeys.map(key => ({ key, ...node })) }
    })
    assert.equal(await run(kafka.cluster.coordinator('group', 'g')), 0)
    kafka.cluster.forgetCoordinator('group', 'g')
    assert.equal(await run(kafka.cluster.coordinator('group', 'g')), 1)
  })
})

test('a coordinator that is not there yet is waited for', async () => {
  await simulated({}, async ({ cluster, kafka, run }) => {
    const loading = {
      nodeId: -1,
      host: '',
      port: -1,
      errorCode: ErrorCodes.COORDINATOR_NOT_AVAILABLE,
      errorMessage: 'not yet',
    }
    cluster.once(FindCoordinator, () => ({ ...loading, coordinators: [{ key: 'g', ...loading }] }))
    assert.equal(await run(kafka.cluster.coordinator('group', 'g')), 0)
    assert.equal(cluster.count(FindCoordinator), 2)
  })
})

test('old brokers are asked for a coordinator in the form of one key', async () => {
  await simulated({}, async ({ cluster, kafka, run }) => {
    cluster.nodes[0]!.offers(FindCoordinator, 0, 2)
    assert.equal(await run(kafka.cluster.coordinator('group', 'g')), 0)
    assert.equal(cluster.seen.at(-1)!.request.key, 'g')
  })
})

test('calls of different purposes do not wait for each other', async () => {
  await simulated({}, async ({ cluster, kafka, run }) => {
    cluster.once(Metadata, () => 'silence')
    const parked = kafka.cluster.call('any', Metadata, { topics: [] }, { purpose: 'poll' })
    parked.catch(() => {})
    await run(cluster.arrived(Metadata, 1))
    assert.equal((await run(kafka.cluster.call('any', Metadata, { topics: [] }))).clusterId, 'scripted')
  })
})

test('a closed handle says so, to those who wait and to those who come', async () => {
  await simulated({}, async ({ cluster, kafka, run }) => {
    await run(kafka.cluster.describe([]))
    cluster.once(Metadata, () => 'silence')
    const waiting = kafka.cluster.describe([])
    await run(cluster.arrived(Metadata, 2))
    await run(Promise.all([kafka.close(), assert.rejects(waiting, /handle is closed/)]))
    await assert.rejects(run(kafka.cluster.describe([])), { code: 'USAGE', message: /make a new one/ })
  })
})
