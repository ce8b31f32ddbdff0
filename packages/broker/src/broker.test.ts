import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DescribeConfigs, encodeBatch, Fetch, InitProducerId, Metadata, Produce, UsageError } from '@odradek/protocol'
import { memoryWire, realWorld } from '@odradek/world'
import { Broker } from './broker.ts'
import { fetchRequest, produceRequest, produceTo, TestBroker } from './testing/test-broker.ts'

const anywhere = { host: '127.0.0.1', port: 0 }

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-broker-'))
  try {
    await run(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const started = (folder: string) =>
  TestBroker.start({ world: { ...realWorld(), wire: memoryWire() }, data: { folder } })

test('a folder keeps topics, records, settings and producer ids over a restart', () =>
  withFolder(async folder => {
    const first = await started(folder)
    await first.topic('t', 2, { 'retention.ms': '-1' })
    const client = await first.client()
    await produceTo(client, 't', [{ value: 'a' }, { value: 'b' }])
    const idempotent = await client.call(InitProducerId, 5, { transactionalId: null, transactionTimeoutMs: 0 })
    const before = await client.call(Metadata, 12, { topics: [{ name: 't' }] })
    await first[Symbol.asyncDispose]()

    await using second = await started(folder)
    const again = await second.client()
    const after = await again.call(Metadata, 12, { topics: [{ name: 't' }] })
    assert.deepEqual([after.clusterId, after.topics[0]!.topicId], [before.clusterId, before.topics[0]!.topicId])
    assert.equal(after.topics[0]!.partitions[0]!.leaderEpoch, before.topics[0]!.partitions[0]!.leaderEpoch + 1)
    const { responses } = await again.call(Fetch, 12, fetchRequest('t', 0))
    assert.equal(responses[0]!.partitions[0]!.highWatermark, 2)
    const resources = [{ resourceType: 2, resourceName: 't', configurationKeys: ['retention.ms'] }]
    const { results } = await again.call(DescribeConfigs, 4, { resources })
    assert.equal(results[0]!.configs[0]!.value, '-1')
    const { producerId } = await again.call(InitProducerId, 5, { transactionalId: null, transactionTimeoutMs: 0 })
    assert.ok(producerId > idempotent.producerId)
  }))

test('closing under load answers every request it took, and everything answered is there afterwards', () =>
  withFolder(async folder => {
    const first = await started(folder)
    await first.topic('t')
    const client = await first.client()
    const answers = Array.from({ length: 200 }, () =>
      client.call(Produce, 9, produceRequest('t', encodeBatch([{ value: 'v' }]))).then(
        ({ responses }) => responses[0]!.partitionResponses[0]!,
        () => null,
      ),
    )
    await answers[0]
    await first.broker.close()
    const acknowledged = (await Promise.all(answers)).filter(answer => answer?.errorCode === 0)
    assert.ok(acknowledged.length > 0)
    await using second = await started(folder)
    const { responses } = await (await second.client()).call(Fetch, 12, fetchRequest('t', 0))
    assert.ok(responses[0]!.partitions[0]!.highWatermark >= acknowledged.length)
  }))

test('a folder in use, a taken port, an open network and unknown settings are each refused in one sentence', () =>
  withFolder(async folder => {
    const refused = async (says: RegExp, options: Partial<Parameters<typeof Broker.start>[0]>) => {
      const starting = Broker.start({ world: realWorld(), listen: anywhere, data: { memory: true }, ...options })
      await assert.rejects(
        starting,
        error => error instanceof UsageError && says.test(error.message) && !error.message.includes('\n'),
      )
    }
    await using broker = await Broker.start({ world: realWorld(), listen: anywhere, data: { folder } })
    const port = Number(broker.bootstrap.split(':')[1])
    await refused(/in use by another broker/, { data: { folder } })
    await refused(/is taken/, { listen: { host: '127.0.0.1', port } })
    await refused(/no authentication yet: listen on 127\.0\.0\.1:9092, or accept that/, {
      listen: { host: '0.0.0.0', port: 9092 },
    })
    await refused(/cannot be made/, { data: { folder: join(folder, 'metadata.db', 'below-a-file') } })
    await refused(/no broker setting/, { config: { nonsense: '1' } })
    await refused(/^3 nodes from 127\.0\.0\.1:65535 on need ports up to 65537: ports end at 65535, so begin at 65533/, {
      listen: { host: '127.0.0.1', port: 65535 },
      nodes: 3,
    })
    await refused(/2 nodes from here:65535 on need ports up to 65536/, {
      config: { 'advertised.listeners': 'here:65535' },
      nodes: 2,
    })
    await refused(/is not HOST:PORT/, { config: { 'advertised.listeners': 'here' } })
  }))

test('a broker that failed to start leaves its folder free', () =>
  withFolder(async folder => {
    await using holder = await Broker.start({ world: realWorld(), listen: anywhere, data: { memory: true } })
    const port = Number(holder.bootstrap.split(':')[1])
    const options = { world: realWorld(), data: { folder } }
    await assert.rejects(Broker.start({ ...options, listen: { host: '127.0.0.1', port } }))
    await using broker = await Broker.start({ ...options, listen: anywhere })
    assert.match(broker.bootstrap, /^127\.0\.0\.1:\d+$/)
  }))

test('closing twice is closing once', async () => {
  const broker = await Broker.start({ world: realWorld(), listen: anywhere, data: { memory: true } })
  await Promise.all([broker.close(), broker.close({ drain: false })])
})
