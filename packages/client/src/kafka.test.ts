import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metadata } from '@odradek/protocol'
import { requestChannel } from './diagnostics.ts'
import { Kafka } from './kafka.ts'
import { ScriptedCluster } from './testing/scripted-broker.ts'
import { simulated } from './testing/simulated-cluster.ts'

test('making a handle does nothing; the first call connects', async () => {
  await simulated({}, async ({ cluster, kafka, run }) => {
    kafka.producer()
    kafka.admin()
    assert.equal(cluster.seen.length, 0)
    await run(kafka.cluster.describe([]))
    assert.deepEqual(
      cluster.seen.map(({ api }) => api),
      ['ApiVersions', 'Metadata'],
    )
  })
})

test('brokers may be text, a list, a function or a broker in this process', async () => {
  await using cluster = await ScriptedCluster.start()
  const [node] = cluster.nodes
  const address = `127.0.0.1:${node!.address.port}`
  for (const brokers of [address, [address], async () => address, async () => [address]]) {
    await using kafka = new Kafka({ brokers, world: { ...worldOf(cluster) } })
    assert.equal((await kafka.cluster.describe([])).clusterId, 'scripted')
  }
  await using kafka = new Kafka({ brokers: { bootstrap: address, wire: cluster.wire } })
  assert.equal((await kafka.cluster.describe([])).clusterId, 'scripted')
})

function worldOf(cluster: ScriptedCluster) {
  const { clock, random } = new Kafka({ brokers: 'localhost' }).cluster
  return { clock, random, wire: cluster.wire }
}

test('what cannot be an address is refused at once', () => {
  assert.throws(() => new Kafka({ brokers: 'localhost:ninety' }), { code: 'USAGE' })
  assert.throws(() => new Kafka({ brokers: [] }), { code: 'USAGE', message: /localhost:9092/ })
  assert.throws(() => new Kafka({} as never), { code: 'USAGE', message: /`brokers` is missing/ })
})

test('a client id is told to the brokers', async () => {
  await simulated({ kafka: { clientId: 'shop' } }, async ({ cluster, kafka, run }) => {
    let told: string | null = ''
    cluster.once(Metadata, (request, call) => {
      told = call.header.clientId
      return cluster.healthy(Metadata, request, call)
    })
    await run(kafka.cluster.describe([]))
    assert.equal(told, 'shop')
  })
})

test('requests can be traced, with what and where', async () => {
  await simulated({}, async ({ cluster, kafka, run }) => {
    const seen: string[] = []
    const ignore = () => {}
    const subscribers = {
      start: ({ api, port, clientId }: any) => seen.push(`${api} to ${port} by ${clientId}`),
      end: ignore,
      asyncStart: ignore,
      asyncEnd: ignore,
      error: ignore,
    }
    requestChannel.subscribe(subscribers)
    try {
      await run(kafka.cluster.describe([]))
    } finally {
      requestChannel.unsubscribe(subscribers)
    }
    assert.deepEqual(seen, [`Metadata to ${cluster.nodes[0]!.address.port} by odradek`])
  })
})
