/** Two applications with one id. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { type KafkaStreams, StreamsBuilder, type Topology } from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

/** Counts lines, and so keeps topics of its own. */
function otherTopology(): Topology {
  const builder = new StreamsBuilder()
  const text = { key: serde.string, value: serde.string }
  builder
    .stream('lines', text)
    .groupBy(line => line, text)
    .count({ store: 'others' })
  return builder.build()
}

function statesOf(app: KafkaStreams): string[] {
  const states: string[] = []
  app.onStateChange(state => states.push(state))
  return states
}

const isAtRest = (...apps: KafkaStreams[]) => apps.every(app => app.state === 'RUNNING')
const refused =
  /'app' runs another topology: .*app-words-repartition \[words\].* This one runs: .*\[others\].*applicationId/

const topicsOf = async (cluster: SimulatedCluster) =>
  (await cluster.finish(Array.fromAsync(cluster.kafka.admin().topics.list()))).map(({ name }) => name)

test('an instance that runs another topology under the same id is refused before it makes a topic or disturbs the others', async () => {
  const cluster = await SimulatedCluster.start(9)
  await cluster.makeTopics(1)
  const app = cluster.instance('one')
  await cluster.finish(app.start())
  await cluster.until(() => isAtRest(app))
  const told: string[] = []
  const logger = { warn: (_: object, message: string) => told.push(message), error() {} }
  const other = cluster.instance('two', { logger }, otherTopology())
  const [states, undisturbed] = [statesOf(other), statesOf(app)]
  await cluster.finish(assert.rejects(other.run(), refused))
  assert.deepEqual(states, ['REBALANCING', 'PENDING_ERROR', 'ERROR'])
  assert.deepEqual(undisturbed, [])
  assert.match(told.join(), /^The group runs another topology; this one waits .*\[words\]/)
  assert.ok(!(await topicsOf(cluster)).some(name => name.includes('others')))
  await cluster.publish(['a b'])
  await cluster.until(() => [...app.store<string, number>('words').all()].length === 2)
  await cluster.close(app)
})

test('of two that begin at once one is refused, and is never RUNNING', async () => {
  const cluster = await SimulatedCluster.start(10)
  await cluster.makeTopics(1)
  const apps = [cluster.instance('one'), cluster.instance('two', {}, otherTopology())]
  const states = apps.map(statesOf)
  const ends = apps.map(app => app.run().catch(error => error))
  await cluster.until(
    () => apps.some(({ state }) => state === 'ERROR') && apps.some(({ state }) => state === 'RUNNING'),
  )
  const loser = apps.findIndex(({ state }) => state === 'ERROR')
  assert.match(String(await ends[loser]), /'app' runs another topology/)
  assert.ok(!states[loser]!.includes('RUNNING'), states[loser]!.join())
  await cluster.close(...apps)
})

test('who has died is waited for: the new release begins when the sessions of the old have ended', async () => {
  const cluster = await SimulatedCluster.start(11)
  await cluster.makeTopics(1)
  const old = cluster.instance('one')
  await cluster.finish(old.start())
  await cluster.until(() => isAtRest(old))
  cluster.world.machine('one').crash()
  const release = cluster.instance('two', { logger: { warn() {}, error() {} } }, otherTopology())
  await cluster.finish(release.start())
  await cluster.until(() => isAtRest(release))
  await cluster.close(release)
})

test('who closes an instance that waits for the group to change does not wait', async () => {
  const cluster = await SimulatedCluster.start(12)
  await cluster.makeTopics(1)
  const app = cluster.instance('one')
  await cluster.finish(app.start())
  await cluster.until(() => isAtRest(app))
  const told = Promise.withResolvers<void>()
  const other = cluster.instance('two', { logger: { warn: () => told.resolve(), error() {} } }, otherTopology())
  const starting = assert.rejects(other.start(), refused)
  await cluster.finish(told.promise)
  const before = cluster.world.clock.now()
  await cluster.finish(other.close().catch(() => {}))
  await cluster.finish(starting)
  assert.ok(cluster.world.clock.now() - before < 1_000)
  await cluster.close(app)
})
