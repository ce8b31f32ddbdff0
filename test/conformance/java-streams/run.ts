/**
 * A Kafka Streams application of Apache Kafka's own library with `group.protocol=streams`, exactly once, against our broker: it counts
 * words while instances come, are killed and leave, and while the broker restarts. What it counted must be what was written.
 *
 *     node test/conformance/java-streams/run.ts
 *
 * Where Java or Maven are missing it says so, and is done.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Kafka, serde, topic } from '@odradek/client'
import { type Response, StreamsGroupDescribe } from '@odradek/protocol'
import { realWire } from '@odradek/world'
import { RawClient } from '../../../packages/broker/src/testing/raw-client.ts'
import { freePort, ServeProcess } from '../../durability/serve-process.ts'
import { builtApplication, Instance } from './application.ts'

type Group = Response<typeof StreamsGroupDescribe>['groups'][number]

const app = 'word-count'
const lines = topic('lines', { key: serde.string, value: serde.string })
const counts = topic('counts', { key: serde.string, value: serde.string })
const words = Array.from({ length: 50 }, (_, i) => `word${i}`)

const application = await builtApplication()
if (typeof application === 'string') console.log(`skipped: ${application}`)
else await conversation(application.classPath)

async function conversation(classPath: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'java-streams-'))
  const port = await freePort()
  const settings = ['session.timeout.ms=6000', 'heartbeat.interval.ms=1000', 'num.standby.replicas=1']
  const flags = settings.flatMap(setting => ['-c', `group.streams.${setting}`])
  const serve = () => ServeProcess.start(['--data', join(folder, 'data'), '--listen', `127.0.0.1:${port}`, ...flags])
  let broker = await serve()
  await using kafka = new Kafka({ brokers: broker.bootstrap })
  const instances: Instance[] = []
  const start = (name: string) => {
    const o = { app, state: join(folder, name), threads: 2, port: 7000 + instances.length }
    const instance = new Instance(classPath, broker.bootstrap, o)
    instances.push(instance)
    return instance
  }
  const written = new Map<string, number>()
  const write = (from: number, to: number) => writeLines(kafka, written, from, to)
  try {
    await kafka.admin().topics.create({ name: 'lines', partitions: 4 })
    await kafka.admin().topics.create({ name: 'counts', partitions: 2 })

    const one = start('one')
    await write(0, 1000)
    await until('one instance counts', () => isCounted(kafka, written))
    const alone = await described(broker.bootstrap)
    assert.equal(alone.members.length, 2)
    assert.equal(tasksOf(alone, 'activeTasks'), 8)

    start('two')
    const [both] = await Promise.all([
      until('two instances share the tasks', async () => {
        const group = await described(broker.bootstrap)
        return group.groupState === 'Stable' && group.members.length === 4 ? group : false
      }),
      write(1000, 3000),
    ])
    assert.equal(tasksOf(both, 'activeTasks'), 8)
    assert.equal(tasksOf(both, 'standbyTasks'), 4, 'a copy of each task that keeps state')
    await until('nothing was lost or counted twice on the way', () => isCounted(kafka, written))
    await until('each instance knows where all partitions are', () => {
      one.ask()
      return one.lines.some(line => line.startsWith('client 7001 active') && !line.includes('active 0'))
    })

    await broker.end('SIGTERM')
    broker = await serve()
    await write(3000, 5000)
    await until('they count on after a restart of the broker', () => isCounted(kafka, written))
    const after = await described(broker.bootstrap)
    assert.equal(after.groupEpoch, both.groupEpoch, 'a restart is no rebalance')

    await one.kill()
    await write(5000, 7000)
    await until('the other goes on where the killed one was', () => isCounted(kafka, written))
    const left = await described(broker.bootstrap)
    assert.equal(left.members.length, 2)
    assert.equal(tasksOf(left, 'activeTasks'), 8)

    const again = start('one')
    await until('it comes back with the state it had', async () => {
      const group = await described(broker.bootstrap)
      return group.groupState === 'Stable' && group.members.length === 4
    })
    await write(7000, 8000)
    await until('and all are counted', () => isCounted(kafka, written))
    await again.stop()
    await instances[1]!.stop()
    assert.equal((await described(broker.bootstrap)).groupState, 'Empty')
    const shown = [...written.values()].reduce((sum, count) => sum + count, 0)
    console.log(`pass: ${shown} words, counted exactly`)
  } catch (error) {
    for (const { lines: said, log } of instances) console.log(said.join('\n'), log.slice(-4000))
    console.log(broker.lines.slice(-20).join('\n'))
    throw error
  } finally {
    await Promise.all(instances.map(instance => instance.kill()))
    await broker.end('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
}

async function writeLines(kafka: Kafka, written: Map<string, number>, from: number, to: number): Promise<void> {
  const producer = kafka.producer()
  for (let at = from; at < to; at += 100) {
    const batch = Array.from({ length: 100 }, (_, i) => {
      const some = [words[(at + i) % 50]!, words[(at + i * 7) % 50]!, words[((at + i) * 13) % 50]!]
      for (const word of some) written.set(word, (written.get(word) ?? 0) + 1)
      return { key: `line${at + i}`, value: some.join(' ') }
    })
    await producer.sendAll(lines, batch)
    await wait(10)
  }
  await producer.close()
}

async function isCounted(kafka: Kafka, written: ReadonlyMap<string, number>): Promise<boolean> {
  const last = new Map<string, number>()
  const all = kafka.read(counts, { from: 'earliest', until: 'end', isolation: 'read_committed' })
  for await (const { key, value } of all) last.set(key!, Number(value))
  for (const [word, count] of last)
    assert.ok(count <= (written.get(word) ?? 0), `${word} was counted ${count} times, and written ${written.get(word)}`)
  return [...written].every(([word, count]) => last.get(word) === count)
}

async function described(bootstrap: string): Promise<Group> {
  const [host, port] = bootstrap.split(':')
  const client = await RawClient.connect(realWire, { host: host!, port: Number(port) })
  const { groups } = await client.call(StreamsGroupDescribe, 0, { groupIds: [app], includeAuthorizedOperations: false })
  client.close()
  return groups[0]!
}

function tasksOf({ members }: Group, role: 'activeTasks' | 'standbyTasks'): number {
  const all = members.flatMap(({ assignment }) => assignment[role].flatMap(({ partitions }) => partitions))
  return all.length
}

/** With how long it took. */
async function until<T>(what: string, isSo: () => T | false | Promise<T | false>, withinMs = 90_000): Promise<T> {
  const start = performance.now()
  for (;;) {
    const answer = await isSo()
    const took = performance.now() - start
    if (answer) {
      console.log(`${(took / 1000).toFixed(1).padStart(6)} s  ${what}`)
      return answer
    }
    assert.ok(took < withinMs, `not within ${withinMs / 1000} s: ${what}`)
    await wait(200)
  }
}
