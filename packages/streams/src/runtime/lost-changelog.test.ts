/** Changelogs that are cut, or deleted and made anew, while somebody reads them. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { simulatedWorld } from '@odradek/world'
import { type KafkaStreams, type KafkaStreamsOptions, StreamsBuilder, StreamsError, type Topology } from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'
import { ActiveTasks, type ActiveTasksOptions } from './active-tasks.ts'
import { mostAttempts, type Restorer } from './restorer.ts'
import { StandbyTasks } from './standby-tasks.ts'
import type { TaskState } from './task-state.ts'

const text = { key: serde.string, value: serde.string }
const changelog = 'app-table-changelog'
const stale = { stale: true }

/** Keeps the last value of each key. */
function table(): Topology {
  const builder = new StreamsBuilder()
  builder.table('in', { ...text, store: 'table' })
  return builder.build()
}

class Scene {
  readonly cluster: SimulatedCluster
  readonly warnings: { reason?: string; message: string }[] = []
  readonly folder = mkdtempSync(join(tmpdir(), 'odradek-lost-'))

  private constructor(cluster: SimulatedCluster) {
    this.cluster = cluster
  }

  static async start(seed: number): Promise<Scene> {
    const config = { 'log.cleaner.backoff.ms': '100' }
    const scene = new Scene(await SimulatedCluster.start(seed, { config }))
    await scene.make('in')
    return scene
  }

  make(name: string, config: Record<string, string> = {}): Promise<unknown> {
    return this.cluster.finish(this.cluster.kafka.admin().topics.create([{ name, partitions: 1, config }]))
  }

  async makeAnew(name: string): Promise<void> {
    await this.cluster.finish(this.cluster.kafka.admin().topics.delete([name]))
    await this.make(name, { 'cleanup.policy': 'compact' })
  }

  async send(topic: string, records: Readonly<Record<string, string | null>>): Promise<void> {
    const producer = this.cluster.kafka.producer()
    const all = Object.entries(records).map(([key, value]) => ({
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
    }))
    await this.cluster.finish(producer.sendAll(topic, all))
    await this.cluster.finish(producer.close())
  }

  instance(machine: string, options: Partial<KafkaStreamsOptions> = {}, topology = table()): KafkaStreams {
    const warn = (fields: object, message: string) => void this.warnings.push({ ...fields, message })
    return this.cluster.instance(machine, { logger: { warn, error() {} }, ...options }, topology)
  }

  async running(machine: string, options: Partial<KafkaStreamsOptions> = {}, topology = table()) {
    const app = this.instance(machine, options, topology)
    await this.cluster.finish(app.start())
    await this.cluster.until(() => app.state === 'RUNNING')
    return app
  }

  /** An instance fills the table and goes. */
  async filled(records: Readonly<Record<string, string>>): Promise<void> {
    await this.send('in', records)
    const app = await this.running('before')
    await this.cluster.until(() => keysOf(app).length === Object.keys(records).length)
    await this.cluster.finish(app.close())
  }

  /** Brokers guard topics that are only compacted against deletion. */
  async cut(before: number): Promise<void> {
    const { configs, topics } = this.cluster.kafka.admin()
    await configs.alter({ topic: changelog }, { set: { 'cleanup.policy': 'delete' } })
    await topics.deleteRecords([{ topic: changelog, partition: 0, before }])
  }

  async close(...instances: KafkaStreams[]): Promise<void> {
    await this.cluster.close(...instances)
    rmSync(this.folder, { recursive: true })
  }
}

const keysOf = (app: KafkaStreams, store = 'table', options = {}): string[] =>
  [...app.store<string, unknown>(store, options).all()].map(([key]) => key).sort()

/** Several fetches long. */
const long = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`k${i}`, `${i}`.padEnd(2_000, '.')]))

for (const defaultStore of ['memory', 'disk'] as const)
  test(`a changelog that is cut while a store is restored in ${defaultStore}: what is gone from it is gone from the store (streams facts 2.34)`, async () => {
    const scene = await Scene.start(11)
    await scene.filled(long)
    let cutting: Promise<void> | undefined
    const app = scene.instance('after', {
      ...{ defaultStore, stateFolder: scene.folder },
      onRestore: ({ restored }) => {
        if (restored > 0) cutting ??= scene.cut(1_990)
      },
    })
    await scene.cluster.finish(app.start())
    await scene.cluster.finish(app.running())
    await scene.cluster.finish(cutting!)
    assert.deepEqual(keysOf(app), Object.keys(long).slice(1_990))
    assert.deepEqual(
      scene.warnings.map(({ reason }) => reason?.replace(/\d+/, 'n')),
      ['offset n is out of range'],
    )
    await scene.close(app)
  })

test('a changelog of which compaction has left nothing is restored: to an empty store', async () => {
  const scene = await Scene.start(16)
  const { cluster } = scene
  const topicConfig = { 'segment.ms': '1', 'min.cleanable.dirty.ratio': '0.01', 'delete.retention.ms': '0' }
  const before = await scene.running('before', { topicConfig })
  await scene.send('in', { a: '1', b: '2', c: '3' })
  await cluster.until(() => keysOf(before).length === 3)
  await scene.send('in', { a: null, b: null, c: null })
  await cluster.until(() => keysOf(before).length === 0)
  await cluster.finish(before.close())
  // The last segment is left alone: others are begun until everything else is gone.
  const left = async () =>
    (await cluster.finish(Array.fromAsync(cluster.kafka.read(changelog)))).map(({ offset }) => offset)
  for (let round = 0; round < 6 && (await left()).some(offset => offset < 6); round++) {
    await scene.send(changelog, { x: null })
    await cluster.world.clock.advance(5_000)
  }
  assert.ok((await left()).every(offset => offset >= 6))
  const [end] = await cluster.finish(cluster.kafka.admin().topics.offsets(changelog, 'latest'))
  assert.ok(end!.offset >= 8)
  const after = await scene.running('after', { topicConfig })
  assert.deepEqual(keysOf(after), [])
  await scene.send('in', { d: '4' })
  await cluster.until(() => keysOf(after).join('') === 'd')
  await scene.close(after)
})

test('a changelog that is missing when a task moves ends the instance with an error that names store and topic', async () => {
  const scene = await Scene.start(17)
  const { cluster } = scene
  const one = await scene.running('one')
  await scene.send('in', { a: '1' })
  await cluster.until(() => keysOf(one).length === 1)
  const two = scene.instance('two')
  const ended = two.run().then(
    () => assert.fail('it went on'),
    (error: StreamsError) => error,
  )
  await cluster.until(() => two.state === 'RUNNING')
  await cluster.finish(cluster.kafka.admin().topics.delete([changelog]))
  await cluster.finish(one.close())
  const { code, node, topic, message } = await cluster.finish(ended)
  assert.deepEqual({ code, node, topic }, { code: 'RESTORATION', node: 'table', topic: changelog })
  assert.match(
    message,
    /^Store 'table' of task 0_0 cannot be restored from app-table-changelog-0: .*app-table-changelog/,
  )
  await scene.close()
})

test('a standby gives up what it has when its changelog is made anew, and so does whoever takes over from it', async () => {
  const scene = await Scene.start(13)
  const options = { numStandbyReplicas: 1, commitIntervalMs: 1_000 }
  const [one, two] = [await scene.running('one', options), await scene.running('two', options)]
  await scene.cluster.until(() => one.state === 'RUNNING' && two.state === 'RUNNING')
  await scene.send('in', { a: '1', b: '2' })
  const [active, standby] = one.tasks().length > 0 ? [one, two] : [two, one]
  await scene.cluster.until(() => keysOf(standby, 'table', stale).length === 2)
  await scene.makeAnew(changelog)
  await scene.send('in', { c: '3' })
  await scene.cluster.until(() => keysOf(standby, 'table', stale).join('') === 'c')
  assert.deepEqual(keysOf(active), ['a', 'b', 'c'], 'the active one has what it has done')
  assert.deepEqual(
    scene.warnings.map(({ reason }) => reason),
    ['the topic was deleted and made anew'],
  )
  await scene.cluster.finish(active.close())
  await scene.cluster.until(() => standby.state === 'RUNNING' && standby.tasks().length === 1)
  assert.deepEqual(keysOf(standby), ['c'])
  await scene.close(standby)
})

test('a changelog that is made anew while its task runs is noticed when the state on disk is taken up again', async () => {
  const scene = await Scene.start(14)
  const kept = { defaultStore: 'disk', stateFolder: scene.folder, commitIntervalMs: 1_000 } as const
  const before = await scene.running('one', kept)
  await scene.send('in', { a: '1', b: '2' })
  await scene.cluster.until(() => keysOf(before).length === 2)
  await scene.cluster.world.clock.advance(2_000)
  await scene.makeAnew(changelog)
  await scene.send('in', { c: '3', d: '4', e: '5' })
  await scene.cluster.until(() => keysOf(before).length === 5)
  await scene.cluster.finish(before.close())
  assert.deepEqual(scene.warnings, [])
  const after = await scene.running('one', kept)
  assert.deepEqual(keysOf(after), ['c', 'd', 'e'])
  assert.deepEqual(
    scene.warnings.map(({ reason }) => reason),
    ['the topic was deleted and made anew'],
  )
  await scene.close(after)
})

/** What a restorer says of task 0_0 whose changelog was cut for the tenth time. */
function hopeless() {
  const error = new StreamsError('RESTORATION', 'cut again and again')
  let lost = [{ taskId: '0_0', attempts: mostAttempts, error }]
  const restorer = {
    async add() {},
    async step() {},
    drop() {},
    takeLost() {
      const told = lost
      lost = []
      return told
    },
  }
  return { error, restorer: restorer as unknown as Restorer }
}

test('a changelog that is cut again and again is an error of its task, and the end of a standby until the next rebalance', async () => {
  const { signal } = new AbortController()
  const { error, restorer } = hopeless()
  const tasks = new ActiveTasks({ restorer } as ActiveTasksOptions)
  await assert.rejects(tasks.remakeLost(signal), error)
  const givenUp: Error[] = []
  let made = 0
  const standbys = new StandbyTasks({
    ...{ clock: simulatedWorld({ seed: 1 }).clock, restorer: hopeless().restorer, commitIntervalMs: 1_000 },
    inputOf: taskId => ({ taskId, subtopology: 0, partition: 0, hasState: true, inputs: [] }),
    makeState() {
      made++
      return { commit() {}, async close() {} } as unknown as TaskState
    },
    onGivenUp: error => void givenUp.push(error),
  })
  standbys.want(['0_0'])
  for (let i = 0; i < 3; i++) await standbys.step(() => false, signal)
  assert.deepEqual([made, givenUp.length, standbys.taskIds], [1, 1, []])
  standbys.want(['0_0'])
  await standbys.step(() => false, signal)
  assert.deepEqual(standbys.taskIds, ['0_0'])
})

test('a global store whose topic is made anew is filled anew, and processors read the new one', async () => {
  const scene = await Scene.start(15)
  await scene.make('places')
  await scene.send('places', { a: 'Rome', b: 'Oslo' })
  const builder = new StreamsBuilder()
  const places = builder.globalTable('places', { ...text, store: 'places' })
  const met: string[] = []
  builder
    .stream('in', text)
    .leftJoin(places, (value, place) => `${value} ${place}`, { on: (_value, key) => key })
    .foreach(value => void met.push(value))
  const app = await scene.running('one', {}, builder.build())
  await scene.send('in', { a: '1', b: '2' })
  await scene.cluster.until(() => met.length === 2)
  await scene.makeAnew('places')
  await scene.send('places', { b: 'Bern' })
  await scene.cluster.until(() => keysOf(app, 'places').join('') === 'b')
  await scene.send('in', { a: '3', b: '4' })
  await scene.cluster.until(() => met.length === 4)
  assert.deepEqual(met.slice(2), ['3 null', '4 Bern'])
  assert.deepEqual(
    scene.warnings.map(({ reason }) => reason),
    ['the topic was deleted and made anew'],
  )
  await scene.close(app)
})
