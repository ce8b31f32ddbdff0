/** How far an instance says it has come. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { StreamsBuilder } from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

const text = { key: serde.string, value: serde.string }

function passing(process: (value: string) => unknown = () => {}) {
  const builder = new StreamsBuilder()
  builder
    .stream('lines', text)
    .mapValues(async value => {
      await process(value)
      return value
    })
    .to('out', text)
  return builder.build()
}

async function clusterWith(topics: readonly string[]) {
  const cluster = await SimulatedCluster.start(1)
  await cluster.finish(cluster.kafka.admin().topics.create(topics.map(name => ({ name, partitions: 1 }))))
  const committed = async (topic: string) => {
    const offsets = await cluster.finish(cluster.kafka.admin().groups.offsets('app'))
    return offsets.find(at => at.topic === topic)?.offset
  }
  const end = async (topic: string) => {
    const [lag] = (await cluster.finish(cluster.kafka.admin().groups.lag('app'))).filter(at => at.topic === topic)
    return lag?.end
  }
  return { cluster, committed, end }
}

test('what is committed is the end of the input, behind markers and what was aborted there (streams facts 2.35)', async () => {
  for (const processingGuarantee of ['at_least_once', 'exactly_once_v2'] as const) {
    const { cluster, committed, end } = await clusterWith(['lines', 'out'])
    const producer = cluster.kafka.producer({ transactionalId: 'writer' })
    const write = (value: string) =>
      cluster.finish(producer.transaction(tx => void tx.send('lines', { value: Buffer.from(value) })))
    await write('a')
    await write('b')
    const seen: string[] = []
    const options = { processingGuarantee, commitIntervalMs: 1_000 } as const
    const app = cluster.instance(
      'one',
      options,
      passing(value => void seen.push(value)),
    )
    await cluster.finish(app.start())
    await cluster.until(() => seen.length === 2 && app.state === 'RUNNING')
    await cluster.world.clock.advance(5_000)
    const of = processingGuarantee
    assert.deepEqual([of, await committed('lines')], [of, 4])
    // What follows has nothing for those who read what is committed: only the position goes on.
    const aborted = producer.transaction(async tx => {
      await tx.send('lines', { value: Buffer.from('c') })
      throw new Error('never mind')
    })
    await cluster.finish(assert.rejects(aborted, /never mind/))
    await cluster.finish(producer.close())
    await cluster.world.clock.advance(5_000)
    assert.equal(await end('lines'), 6, of)
    assert.deepEqual([of, await committed('lines'), seen.slice(0, 2)], [of, 6, ['a', 'b']])
    await cluster.close(app)
  }
})

test('records that wait here are not committed: the next of them is where another would go on (streams facts 2.35)', async () => {
  const { cluster, committed } = await clusterWith(['lines', 'out'])
  const seen: string[] = []
  const app = cluster.instance(
    'one',
    { commitIntervalMs: 1_000 },
    passing(value => void seen.push(value)),
  )
  await cluster.finish(app.start())
  await cluster.finish(app.running())
  await cluster.publish(['a'])
  await cluster.until(() => seen.length === 1)
  app.pause()
  await cluster.publish(['b', 'c'])
  await cluster.world.clock.advance(5_000)
  assert.equal(app.metrics().find(({ name }) => name === 'active-buffer-count')?.value, 2)
  assert.equal(await committed('lines'), 1)
  app.resume()
  await cluster.until(() => seen.length === 3)
  await cluster.world.clock.advance(5_000)
  assert.equal(await committed('lines'), 3)
  await cluster.close(app)
})
