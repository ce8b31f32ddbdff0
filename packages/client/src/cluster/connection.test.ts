import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiVersions, encodeResponse, FindCoordinator, Heartbeat, Metadata } from '@odradek/protocol'
import { type Connection, type SimulatedWorld, simulatedWorld } from '@odradek/world'
import { ScriptedCluster } from '../testing/scripted-broker.ts'
import { simulated } from '../testing/simulated-cluster.ts'
import { BrokerConnection, type ConnectionSettings } from './connection.ts'

const settings = (world: SimulatedWorld, more: Partial<ConnectionSettings> = {}): ConnectionSettings => ({
  wire: world.wire,
  clock: world.clock,
  clientId: 'test',
  connectTimeoutMs: 1_000,
  requestTimeoutMs: 5_000,
  maxResponseBytes: 1024 * 1024,
  ...more,
})

/** A listener that answers the first bytes it gets as told. */
async function listener(world: SimulatedWorld, answer: (connection: Connection) => void) {
  return world.wire.listen({ host: '127.0.0.1', port: 0 }, connection => {
    connection.handle({ received: () => answer(connection), closed: () => {} })
  })
}

test('a broker that does not know our version of ApiVersions is asked again in one it knows (KIP-511), or in version 0', async () => {
  for (const [max, asked] of [
    [0, [0]],
    [2, [2]],
    [4, [4]],
  ] as const) {
    await simulated({}, async ({ cluster, kafka, run }) => {
      cluster.nodes[0]!.offers(ApiVersions, 0, max)
      await run(kafka.cluster.describe([]))
      assert.deepEqual(
        cluster.seen.filter(({ api }) => api === 'ApiVersions').map(({ version }) => version),
        asked,
      )
    })
  }
})

test('a refusal in version 0 form without any range leads to version 0', async () => {
  await simulated({}, async ({ cluster, kafka, run }) => {
    cluster.once(ApiVersions, (_, { connection, header }) => {
      connection.send(encodeResponse(ApiVersions, 0, header.correlationId, { errorCode: 35, apiKeys: [] }))
      return 'nothing'
    })
    await run(kafka.cluster.describe([]))
    const asked = cluster.seen.filter(({ api }) => api === 'ApiVersions').map(({ version }) => version)
    assert.deepEqual(asked, [4, 0])
  })
})

test('each API is spoken in the highest version that both sides know', async () => {
  await simulated({}, async ({ cluster, kafka, run }) => {
    cluster.nodes[0]!.offers(Metadata, 0, 5)
    await run(kafka.cluster.describe([]))
    assert.equal(cluster.seen.at(-1)!.version, 5)
    await run(kafka.cluster.call('any', FindCoordinator, { key: 'g', coordinatorKeys: ['g'] }, { maxVersion: 2 }))
    assert.equal(cluster.seen.at(-1)!.version, 2)
  })
})

test('an API the broker does not have fails with UNSUPPORTED_VERSION and says what it offers', async () => {
  await simulated({}, async ({ cluster, kafka, run }) => {
    cluster.nodes[0]!.ranges = cluster.nodes[0]!.ranges.filter(({ apiKey }) => apiKey !== Heartbeat.key)
    const call = kafka.cluster.call('any', Heartbeat, { groupId: 'g', generationId: 1, memberId: 'm' })
    await assert.rejects(run(call), { code: 'UNSUPPORTED_VERSION', retriable: false, message: /offers none/ })
  })
})

test('correlation ids wrap at the end of int32 (platformatic#302)', async () => {
  const world = simulatedWorld({ seed: 1 })
  const cluster = await ScriptedCluster.start({ wire: world.wire })
  const opened = BrokerConnection.open(cluster.nodes[0]!.address, settings(world, { firstCorrelationId: 0x7fff_fffe }))
  const connection = await world.clock.finish(opened)
  const ids: number[] = []
  cluster.on(Metadata, (request, call) => {
    ids.push(call.header.correlationId)
    return cluster.healthy(Metadata, request, call)
  })
  await world.clock.finish(Promise.all([1, 2, 3].map(() => connection.call(Metadata, { topics: [] }))))
  assert.deepEqual(ids, [0x7fff_ffff, 0, 1])
  connection.close()
})

test('requests are pipelined, and an answer that comes late delays those behind it but mixes nothing up', async () => {
  await simulated({ topics: { a: 1, b: 1 } }, async ({ cluster, kafka, world, run }) => {
    await run(kafka.cluster.describe([]))
    let release = () => {}
    cluster.once(Metadata, async (request, call) => {
      await new Promise<void>(resolve => (release = resolve))
      return cluster.healthy(Metadata, request, call)
    })
    const both = ['a', 'b'].map(name => kafka.cluster.call('any', Metadata, { topics: [{ name }] }))
    await run(cluster.arrived(Metadata, 3))
    await world.clock.advance(100)
    release()
    const names = (await run(Promise.all(both))).map(({ topics }) => topics[0]!.name)
    assert.deepEqual(names, ['a', 'b'])
  })
})

test('an abort ends the waiting of one caller and nothing else', async () => {
  await simulated({}, async ({ kafka, run }) => {
    await run(kafka.cluster.describe([]))
    const controller = new AbortController()
    const given = kafka.cluster.call('any', Metadata, { topics: [] }, { signal: controller.signal })
    const other = kafka.cluster.call('any', Metadata, { topics: [] })
    controller.abort(new Error('enough'))
    await assert.rejects(run(given), /enough/)
    assert.equal((await run(other)).clusterId, 'scripted')
  })
})

test('a request that gets no answer fails with who, what and how long, and takes the connection with it', async () => {
  await simulated({ kafka: { requestTimeoutMs: 2_000 } }, async ({ cluster, kafka, run }) => {
    const connection = await run(kafka.cluster.connection('any'))
    cluster.on(Metadata, () => 'silence')
    cluster.on(FindCoordinator, () => 'silence')
    const calls = [
      connection.call(Metadata, { topics: [] }),
      connection.call(FindCoordinator, { key: 'g', coordinatorKeys: ['g'] }),
    ]
    const [first, second] = await run(Promise.allSettled(calls))
    assert.match(
      String((first as PromiseRejectedResult).reason),
      /127\.0\.0\.1:\d+ did not answer Metadata within 2000 ms/,
    )
    assert.equal((first as PromiseRejectedResult).reason.code, 'TIMEOUT')
    assert.equal((second as PromiseRejectedResult).reason.retriable, true)
    assert.equal(connection.isOpen, false)
  })
})

test('an answer to another request than the one that is due ends the connection', async () => {
  await simulated({}, async ({ cluster, kafka, run }) => {
    const connection = await run(kafka.cluster.connection('any'))
    cluster.once(Metadata, (_, call) => {
      call.connection.send(encodeResponse(Metadata, call.version, 999, { brokers: [], topics: [] }))
      return 'nothing'
    })
    await assert.rejects(run(connection.call(Metadata, { topics: [] })), /999/)
    assert.equal(connection.isOpen, false)
  })
})

test('a listener that speaks TLS, HTTP or nothing is named for what it is', async () => {
  const world = simulatedWorld({ seed: 1 })
  const answers: [RegExp, boolean, (connection: Connection) => void][] = [
    [/speaks TLS: connect with `tls/, false, c => c.send([Uint8Array.of(0x15, 3, 1, 0, 2, 2, 70)])],
    [/answers HTTP/, false, c => c.send([Buffer.from('HTTP/1.1 400 Bad Request\r\n')])],
    [/closed the connection.*TLS or SASL/, true, c => c.destroy()],
    [/accepted the connection, but did not answer in time/, true, () => {}],
  ]
  for (const [message, retriable, answer] of answers) {
    const { address } = await listener(world, answer)
    const opening = BrokerConnection.open(address, settings(world))
    await assert.rejects(world.clock.finish(opening), { name: 'ConnectionError', message, retriable })
  }
})

test('an answer longer than allowed ends the connection instead of filling the memory', async () => {
  const world = simulatedWorld({ seed: 1 })
  const { address } = await listener(world, c => c.send([Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 1, 2, 3)]))
  await assert.rejects(world.clock.finish(BrokerConnection.open(address, settings(world))), /frame length/)
})

test('a connection refused is told in words with the address', async () => {
  const world = simulatedWorld({ seed: 1 })
  const opening = BrokerConnection.open({ host: '::1', port: 9 }, settings(world))
  await assert.rejects(world.clock.finish(opening), /cannot connect to \[::1\]:9: connection refused/)
})

test('levels of features that the cluster uses are known once a connection is open, 0 for those it does not know', async () => {
  for (const [newest, level] of [
    [4, 2],
    [2, 0], // before version 3 there was no place for features
  ] as const) {
    await simulated({}, async ({ cluster, kafka, run }) => {
      cluster.nodes[0]!.features = { 'transaction.version': 2 }
      cluster.nodes[0]!.offers(ApiVersions, 0, newest)
      const connection = await run(kafka.cluster.connection('any'))
      assert.equal(connection.featureLevel('transaction.version'), level)
      assert.equal(connection.featureLevel('group.version'), 0)
    })
  }
})
