import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Broker } from '@odradek/broker'
import { Kafka } from '@odradek/client'
import { realWorld } from '@odradek/world'
import { KafkaStreams, type KafkaStreamsOptions } from '../index.ts'
import { countsTopic, linesTopic, wordCount } from '../testing/simulated-cluster.ts'

const sessionTimeoutMs = 3_000
const program = new URL('../testing/counting-process.ts', import.meta.url)

/** Asks until the answer is yes. */
async function until(isTrue: () => boolean | Promise<boolean>, withinMs = 25_000): Promise<void> {
  for (const end = performance.now() + withinMs; performance.now() < end; ) {
    if (await isTrue()) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  assert.fail('it did not come to pass')
}

function forked(brokers: string, stateFolder: string, options: object): Promise<ChildProcess> {
  const env = { ...process.env, BROKERS: brokers, STATE_FOLDER: stateFolder, OPTIONS: JSON.stringify(options) }
  const child = fork(program, { env })
  return new Promise((resolve, reject) => {
    child.on('message', (told: { state: string }) => told.state === 'RUNNING' && resolve(child))
    child.on('exit', code => reject(new Error(`it ended with ${code}`)))
  })
}

test('the tasks of a process that is killed run elsewhere within its session and two seconds, and nothing is counted twice', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-kill-'))
  const broker = await Broker.start({
    world: realWorld(),
    listen: { host: '127.0.0.1', port: 0 },
    data: { memory: true },
    config: { 'group.initial.rebalance.delay.ms': '0', 'group.min.session.timeout.ms': '1000' },
  })
  const kafka = new Kafka({ brokers: broker.bootstrap })
  t.after(async () => {
    await kafka.close()
    await broker.close({ drain: false })
    rmSync(folder, { recursive: true, force: true })
  })
  await kafka.admin().topics.create([linesTopic, countsTopic].map(({ name }) => ({ name, partitions: 4 })))
  const options = {
    processingGuarantee: 'exactly_once_v2',
    consumer: { sessionTimeoutMs, heartbeatIntervalMs: 500 },
  } satisfies Partial<KafkaStreamsOptions>
  const victim = await forked(broker.bootstrap, join(folder, 'victim'), options)
  const heir = new KafkaStreams(wordCount(), {
    ...{ applicationId: 'app', brokers: broker.bootstrap, stateFolder: join(folder, 'heir'), cacheMaxBytes: 0 },
    ...options,
  })
  await heir.start()
  await until(() => heir.state === 'RUNNING' && heir.tasks().length === 4)
  const producer = kafka.producer()
  const publish = (n: number) =>
    producer.sendAll(
      linesTopic,
      Array.from({ length: n }, (_, i) => ({ key: String(i), value: `word${i % 50} common` })),
    )
  await publish(2_000)
  victim.kill('SIGKILL')
  const killed = performance.now()
  await publish(2_000)
  await until(() => heir.state === 'RUNNING' && heir.tasks().length === 8)
  const took = performance.now() - killed
  assert.ok(took <= sessionTimeoutMs + 2_000, `taken over after ${Math.round(took)} ms`)
  const counted = () => [...heir.store<string, number>('words').all()].reduce((n, [, { value }]) => n + value, 0)
  await until(() => heir.state === 'RUNNING' && counted() === 8_000)
  await heir.close()
  // The last transaction is committed; its markers reach the partitions a moment later.
  let all = await Array.fromAsync(kafka.read(countsTopic, { isolation: 'read_committed' }))
  await until(async () => {
    all = await Array.fromAsync(kafka.read(countsTopic, { isolation: 'read_committed' }))
    return all.length >= 8_000
  })
  const last = new Map(all.map(({ key, value }) => [key!, value!]))
  assert.deepEqual([last.get('common'), last.get('word7'), all.length], [4_000, 80, 8_000])
})
