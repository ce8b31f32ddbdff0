import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '@odradek/client'
import { sleep } from '@odradek/world'
import { KafkaStreams, StreamsBuilder } from '../index.ts'
import { SimulatedCluster, wordCount } from '../testing/simulated-cluster.ts'

test('an instance counts what is there and what comes, and goes through its states', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(2)
  await cluster.publish(['a b a', 'c a'])
  const app = cluster.instance('one')
  const states: string[] = []
  const stop = app.onStateChange(state => states.push(state))
  const run = app.run()
  await cluster.finish(app.running())
  assert.deepEqual(app.tasks()[2], {
    id: '1_0',
    inputs: [{ topic: 'app-words-repartition', partition: 0 }],
    isRestoring: false,
  })
  await cluster.publish(['c d'])
  const store = app.store<string, number>('words')
  await cluster.until(() => store.size === 4 && store.get('c')?.value === 2)
  await cluster.finish(app.close())
  await run
  stop()
  assert.deepEqual(states, ['REBALANCING', 'RUNNING', 'PENDING_SHUTDOWN', 'NOT_RUNNING'])
  assert.deepEqual(await cluster.counts(), { last: { a: 3, b: 1, c: 2, d: 1 }, updates: 7 })
  assert.throws(() => store.get('a'), { code: 'STORE_NOT_READY', retriable: false })
  assert.throws(() => app.store('sums'), /has no store 'sums'. It has: words/)
  await cluster.close()
})

test('what cannot work is said when the instance is made', () => {
  const make = (options: object) => () => new KafkaStreams(wordCount(), { applicationId: 'app', ...options })
  assert.throws(make({}), /say where the cluster is/)
  assert.throws(make({ brokers: 'localhost', applicationId: 'my app' }), /'my app'; topics are named after it/)
  assert.throws(make({ brokers: 'localhost:port' }), UsageError)
})

test('an instance can be closed before it starts, while it starts, twice, and by its signal', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  const never = cluster.instance('never')
  await never.close()
  assert.equal(never.state, 'NOT_RUNNING')
  await assert.rejects(never.start(), /the instance is closed/)
  await assert.rejects(never.running(), /is closed/)
  const early = cluster.instance('early')
  const run = early.run()
  await cluster.finish(Promise.all([early.close(), early.close(), run]))
  assert.equal(early.state, 'NOT_RUNNING')
  const told = new AbortController()
  const app = cluster.instance('told')
  const running = app.run({ signal: told.signal })
  await cluster.finish(app.running())
  told.abort()
  await cluster.finish(running)
  assert.equal(app.state, 'NOT_RUNNING')
  await cluster.close()
})

test('a handle that was given stays open for its owner', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  const app = new KafkaStreams(wordCount(), { applicationId: 'app', kafka: cluster.kafka })
  await cluster.finish(app.start())
  await cluster.finish(app.close())
  await cluster.publish(['still open'])
  await cluster.close()
})

test('closing waits for the callback that is under way, unless its signal says not to', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  let waiting = 0
  const slow = (ms: number) => {
    const builder = new StreamsBuilder()
    builder
      .stream('lines')
      .flatMapValues(async value => {
        waiting++
        await sleep(cluster.world.clock, ms)
        return [value]
      })
      .to('counts')
    return builder.build()
  }
  await cluster.publish(['one', 'two'])
  const patient = cluster.instance('patient', {}, slow(5_000))
  await cluster.finish(patient.start())
  await cluster.until(() => waiting === 1)
  await cluster.finish(patient.close())
  const hasty = cluster.instance('hasty', { applicationId: 'other' }, slow(3_000_000))
  await cluster.finish(hasty.start())
  await cluster.until(() => waiting === 2)
  const before = cluster.world.clock.monotonic()
  await cluster.finish(hasty.close({ signal: AbortSignal.abort() }))
  assert.ok(cluster.world.clock.monotonic() - before < 1_000)
  // One of two was done and committed: the other is for whoever comes next.
  const [committed] = await cluster.finish(cluster.kafka.admin().groups.offsets('app'))
  assert.equal(committed!.offset, 1)
  assert.equal(waiting, 2)
  await cluster.close()
})

test('slow callbacks do not keep others from taking over: a turn ends after a moment', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(2)
  const seen: string[] = []
  const topology = () => {
    const builder = new StreamsBuilder()
    builder
      .stream('lines')
      .flatMapValues(async value => {
        await sleep(cluster.world.clock, 1_000)
        seen.push(Buffer.from(value!).toString())
        return [value]
      })
      .to('counts')
    return builder.build()
  }
  await cluster.publish(Array.from({ length: 60 }, (_, i) => `line ${i}`))
  const first = cluster.instance('first', {}, topology())
  await cluster.finish(first.start())
  await cluster.until(() => seen.length === 3)
  const second = cluster.instance('second', {}, topology())
  await cluster.finish(second.start())
  await cluster.until(() => second.tasks().length === 1 && first.tasks().length === 1)
  assert.ok(seen.length < 20, `${seen.length} records were processed meanwhile`)
  await cluster.until(() => seen.length === 60)
  assert.equal(new Set(seen).size, 60)
  await cluster.close(first, second)
})
