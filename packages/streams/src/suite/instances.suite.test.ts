/** Instances on any Kafka-compatible cluster: they share and take over, come back with their state, and lose and repeat nothing. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { serde } from '@odradek/client'
import { type KafkaStreams, logAndContinue, StreamsBuilder, type StreamsLogger } from '../index.ts'
import { ApplicationScene, type Cluster, openCluster, until } from '../testing/application-scene.ts'
import { wordCount } from '../testing/simulated-cluster.ts'

const countingProcess = new URL('../testing/counting-process.ts', import.meta.url)
const commandLine = fileURLToPath(new URL('../../../cli/bin/odradek.js', import.meta.url))
/** Sixty lines over many keys: `a`, and one word of ten. */
const lines = Array.from({ length: 60 }, (_, i) => [String(i), `a w${i % 10}`] as const)
const perRound = 2 * lines.length
const exactlyOnce = { processingGuarantee: 'exactly_once_v2' } as const

const countedBy = (...apps: KafkaStreams[]) =>
  apps.flatMap(app => [...app.store<string, number>('words').all()]).reduce((n, [, { value }]) => n + value, 0)
const haveRest = (...apps: KafkaStreams[]) => apps.every(app => app.state === 'RUNNING')

suite('instances', { concurrency: 3 }, () => {
  let cluster: Cluster
  before(async () => {
    cluster = await openCluster()
  })
  after(() => cluster[Symbol.asyncDispose]())

  async function open(name: string, partitions = 4) {
    const scene = new ApplicationScene(cluster, name)
    await scene.topics({ lines: partitions, counts: partitions, dead: 1 })
    return { scene, topology: wordCount(scene.topic) }
  }

  test('with exactly once a reader of committed records sees each update once, in the order of counting', async () => {
    const { scene, topology } = await open('exactly-once')
    await using _ = scene
    const app = await scene.running(topology, exactlyOnce)
    await scene.write('lines', lines)
    await scene.results('counts', serde.int64, perRound)
    await app.close()
    const counts = (await scene.read('counts', serde.int64)).filter(([word]) => word === 'a').map(([, count]) => count)
    assert.deepEqual(
      counts,
      lines.map((_, i) => i + 1),
    )
    assert.equal((await scene.read('counts', serde.int64)).length, perRound)
  })

  test('instances share the tasks; when one leaves the other takes over and goes on counting', async () => {
    const { scene, topology } = await open('sharing')
    await using _ = scene
    const one = await scene.running(topology, exactlyOnce)
    await scene.write('lines', lines)
    await until('all is counted', () => haveRest(one) && countedBy(one) === perRound)
    const two = await scene.running(topology, { ...exactlyOnce, stateFolder: join(scene.folder, 'two') })
    await until(
      'both have four tasks',
      () => haveRest(one, two) && one.tasks().length === 4 && two.tasks().length === 4,
    )
    await scene.write('lines', lines)
    await until('both have counted', () => haveRest(one, two) && countedBy(one, two) === 2 * perRound)
    await one.close()
    await scene.write('lines', lines)
    await until(
      'the heir has counted',
      () => haveRest(two) && two.tasks().length === 8 && countedBy(two) === 3 * perRound,
    )
    await two.close()
    assert.equal((await scene.results('counts', serde.int64, 3 * perRound)).length, 3 * perRound)
  })

  test('an instance that comes back has its state on disk, and restores nothing that it had', async () => {
    const { scene, topology } = await open('restart', 2)
    await using _ = scene
    const first = await scene.running(topology)
    await scene.write('lines', lines)
    await until('all is counted', () => haveRest(first) && countedBy(first) === perRound)
    await first.close()
    let restored = 0
    const again = await scene.running(topology, { onRestore: progress => (restored += progress.restored) })
    assert.equal(countedBy(again), perRound)
    assert.equal(restored, 0)
    await again.close()
    await again.cleanUp()
    const anew = await scene.running(topology, { onRestore: progress => (restored += progress.restored) })
    assert.ok(restored > 0, 'without the folder it is restored')
    assert.equal(countedBy(anew), perRound)
  })

  test('a changelog that is made anew under a standby, and a committed offset that is deleted, are noticed', async () => {
    const { scene, topology } = await open('cut', 1)
    await using _ = scene
    const { topics } = scene.kafka.admin()
    const reasons: (string | undefined)[] = []
    const logger = { warn: (fields: { reason?: string }) => void reasons.push(fields.reason), error() {} }
    const consumer = { sessionTimeoutMs: 6_000, heartbeatIntervalMs: 500 }
    const options = { numStandbyReplicas: 1, consumer, logger: logger as StreamsLogger }
    const one = await scene.running(topology, options)
    const two = await scene.running(topology, { ...options, stateFolder: join(scene.folder, 'two') })
    const has = (app: KafkaStreams) => app.tasks().some(({ id }) => id === '1_0')
    const isShared = () => haveRest(one, two) && one.tasks().length === 1 && two.tasks().length === 1
    await until('one of them has the store, and the other the rest', () => isShared() && has(one) !== has(two))
    const [active, standby] = has(one) ? [one, two] : [two, one]
    await scene.write('lines', lines)
    const copied = () => [...standby.store<string, number>('words', { stale: true }).all()].map(([word]) => word).sort()
    await until('the standby has all words', () => haveRest(standby) && copied().length === 11)
    const name = scene.topic('words-changelog')
    await topics.delete([name])
    await until('the changelog is there again', () =>
      topics.create([{ name, partitions: 1, config: { 'cleanup.policy': 'compact' } }]).then(
        () => true,
        () => false,
      ),
    )
    await scene.write('lines', [['k', 'b']])
    await until('the standby has the new changelog', () => haveRest(standby) && copied().join() === 'b')
    assert.deepEqual(reasons, ['the topic was deleted and made anew'])
    assert.equal(haveRest(active) && countedBy(active), perRound + 1)
    await Promise.all([one.close(), two.close()])
    await scene.write('lines', lines.slice(0, 10))
    await topics.deleteRecords([{ topic: scene.topic('lines'), partition: 0, before: lines.length + 6 }])
    const again = await scene.running(topology)
    const counted = () => again.store<string, number>('words').get('a')?.value
    await until('the rest is counted', () => haveRest(again) && counted() === 5)
  })

  test('the tasks of a process that is killed run elsewhere, and nothing is counted twice', async () => {
    const { scene, topology } = await open('kill')
    await using _ = scene
    const options = { ...exactlyOnce, consumer: { sessionTimeoutMs: 6_000, heartbeatIntervalMs: 500 } }
    const OPTIONS = JSON.stringify({ ...options, applicationId: scene.id })
    const env = {
      BROKERS: scene.bootstrap,
      STATE_FOLDER: join(scene.folder, 'victim'),
      PREFIX: scene.topic(''),
      OPTIONS,
    }
    const victim = fork(countingProcess, { env: { ...process.env, ...env } })
    try {
      await new Promise<void>((resolve, reject) => {
        victim.on('message', (told: { state: string }) => told.state === 'RUNNING' && resolve())
        victim.on('exit', code => reject(new Error(`it ended with ${code}`)))
      })
      const heir = await scene.running(topology, { ...options, stateFolder: join(scene.folder, 'heir') })
      await until('they share', () => haveRest(heir) && heir.tasks().length === 4)
      await scene.write('lines', lines)
      victim.kill('SIGKILL')
      const killed = performance.now()
      await scene.write('lines', lines)
      await until('the heir has all tasks', () => haveRest(heir) && heir.tasks().length === 8)
      const took = performance.now() - killed
      assert.ok(took <= options.consumer.sessionTimeoutMs + 2_000, `taken over after ${Math.round(took)} ms`)
      await until('the heir has counted', () => haveRest(heir) && countedBy(heir) === 2 * perRound)
      await heir.close()
      assert.equal((await scene.results('counts', serde.int64, 2 * perRound)).length, 2 * perRound)
    } finally {
      victim.kill('SIGKILL')
    }
  })

  test('what cannot be read or processed goes to the dead letters as it came, and the rest goes on', async () => {
    const { scene } = await open('dead-letters', 1)
    await using _ = scene
    const builder = new StreamsBuilder()
    builder
      .stream(scene.topic('lines'), { key: serde.string, value: serde.json<number>() })
      .mapValues(value => {
        if (value === 13) throw new RangeError('no thirteen')
        return value + 1
      })
      .to(scene.topic('counts'), { key: serde.string, value: serde.json<number>() })
    await scene.write('lines', [
      ['a', '1'],
      ['b', 'not a number'],
      ['c', '13'],
      ['d', '4'],
    ])
    await scene.running(builder.build(), {
      handlers: { deserialization: logAndContinue, processing: logAndContinue },
      deadLetterTopic: scene.topic('dead'),
    })
    const pairs = (all: readonly (readonly [string, unknown, number])[]) => all.map(([key, value]) => [key, value])
    assert.deepEqual(pairs(await scene.results('counts', serde.json<number>(), 2)), [
      ['a', 2],
      ['d', 5],
    ])
    assert.deepEqual(pairs(await scene.results('dead', serde.string, 2)), [
      ['b', 'not a number'],
      ['c', '13'],
    ])
  })

  test('`odradek streams reset` makes a stopped application begin anew', async () => {
    const { scene, topology } = await open('reset', 2)
    await using _ = scene
    const first = await scene.running(topology)
    await scene.write('lines', lines)
    await until('all is counted', () => haveRest(first) && countedBy(first) === perRound)
    await first.close()
    const what = ['--application', scene.id, '--input-topics', scene.topic('lines'), '--to-earliest']
    const reset = fork(commandLine, ['streams', 'reset', ...what, '-b', scene.bootstrap], { silent: true })
    let said = ''
    for (const stream of [reset.stdout!, reset.stderr!]) stream.on('data', text => (said += text))
    const [code] = await once(reset, 'exit')
    assert.equal(code, 0, said)
    await first.cleanUp()
    const again = await scene.running(topology)
    await until('all is counted again', () => haveRest(again) && countedBy(again) === perRound)
    await again.close()
    const all = await scene.results('counts', serde.int64, 2 * perRound)
    assert.equal(all.filter(([word, count]) => word === 'a' && count === 1).length, 2, 'counted from one, twice')
  })
})
