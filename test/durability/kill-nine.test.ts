/**
 * `kill -9` at any moment while producing with acks=all: every acknowledged record is there, in order, once, and committed offsets never
 * go back. A few cycles in every test run; ODRADEK_KILLS=50 for as many as the promise says.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Kafka, serde, topic } from '@odradek/client'
import { ServeProcess } from './serve-process.ts'

const kills = Number(process.env.ODRADEK_KILLS ?? 5)
const numbers = topic('numbers', { key: serde.string, value: serde.string })

test(`${kills} × kill -9 lose nothing that was acknowledged, repeat nothing, reorder nothing`, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-kill-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const port = await freePort()
  const serve = () => ServeProcess.start(['--listen', `127.0.0.1:${port}`, '--data', folder, '-c', 'num.partitions=3'])
  let broker = await serve()
  t.after(() => broker.end('SIGKILL'))
  await using kafka = new Kafka({ brokers: broker.bootstrap, retryTimeoutMs: 60_000 })
  const load = new Load(kafka)
  const running = load.run()
  for (let kill = 0; kill < kills; kill++) {
    await load.acknowledgedMore(50 + ((kill * 37) % 200))
    await broker.end('SIGKILL')
    broker = await serve()
  }
  await load.acknowledgedMore(50)
  load.stop()
  await running
  await checkLog(kafka, load.acknowledged)
  load.checkCommits()
})

/** Sends numbered records to three partitions, many at a time, and commits offsets meanwhile. */
class Load {
  readonly acknowledged: { partition: number; offset: number; value: string }[] = []
  readonly #kafka: Kafka
  readonly #commits: { asked: number; seen: number }[] = []
  readonly #waiting: { count: number; wake: () => void }[] = []
  #stopped = false

  constructor(kafka: Kafka) {
    this.#kafka = kafka
  }

  async run(): Promise<void> {
    await Promise.all([this.#produce(), this.#commit()])
  }

  stop(): void {
    this.#stopped = true
  }

  acknowledgedMore(count: number): Promise<void> {
    return new Promise(wake => this.#waiting.push({ count: this.acknowledged.length + count, wake }))
  }

  /** What a fetch of the committed offset said was never less than a commit that had been acknowledged. */
  checkCommits(): void {
    let highest = 0
    for (const { asked, seen } of this.#commits) {
      assert.ok(seen >= highest, `the committed offset went back from ${highest} to ${seen}`)
      highest = Math.max(highest, asked)
    }
    assert.ok(this.#commits.length > 0)
  }

  async #produce(): Promise<void> {
    await using producer = this.#kafka.producer({ deliveryTimeoutMs: 60_000 })
    for (let next = 0; !this.#stopped; ) {
      const group = Array.from({ length: 10 }, () => next++)
      await Promise.all(
        group.map(async n => {
          const { partition, offset } = await producer.send(numbers, {
            key: `k${n}`,
            value: String(n),
            partition: n % 3,
          })
          this.acknowledged.push({ partition, offset, value: String(n) })
        }),
      )
      for (const waiter of this.#waiting.splice(0)) {
        if (this.acknowledged.length >= waiter.count) waiter.wake()
        else this.#waiting.push(waiter)
      }
    }
  }

  async #commit(): Promise<void> {
    await using admin = this.#kafka.admin()
    for (let offset = 1; !this.#stopped; offset++) {
      const before = await admin.groups.offsets('progress')
      const seen = before.find(one => one.topic === 'numbers' && one.partition === 0)?.offset ?? 0
      await admin.groups.setOffsets('progress', [{ topic: 'numbers', partition: 0, offset }])
      this.#commits.push({ asked: offset, seen })
    }
  }
}

async function checkLog(kafka: Kafka, acknowledged: Load['acknowledged']): Promise<void> {
  const found = new Map<string, string>()
  const last = new Map<number, number>()
  const seen = new Set<string>()
  for await (const record of kafka.read(numbers, { from: 'earliest', until: 'end' })) {
    const value = record.value!
    assert.ok(!seen.has(value), `${value} is there twice`)
    assert.ok(
      Number(value) > (last.get(record.partition) ?? -1),
      `${value} is out of order in partition ${record.partition}`,
    )
    seen.add(value)
    last.set(record.partition, Number(value))
    found.set(`${record.partition}/${record.offset}`, value)
  }
  for (const { partition, offset, value } of acknowledged) {
    assert.equal(found.get(`${partition}/${offset}`), value, `acknowledged at ${partition}/${offset}`)
  }
}

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
