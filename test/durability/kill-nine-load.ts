import assert from 'node:assert/strict'
import type { Kafka } from '@odradek/client'

/** What goes on while the broker is killed: it goes round and round until it is stopped, and fails on the first error. */
abstract class Load {
  #rounds = 0
  #isStopped = false
  readonly #waiting: { until: number; wake: () => void }[] = []

  get isStopped(): boolean {
    return this.#isStopped
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Resolves after some more rounds that began after the call. */
  progress(): Promise<void> {
    return new Promise(wake => this.#waiting.push({ until: this.#rounds + 3, wake }))
  }

  protected round(): void {
    this.#rounds++
    for (const waiter of this.#waiting.splice(0)) {
      if (this.#rounds >= waiter.until) waiter.wake()
      else this.#waiting.push(waiter)
    }
  }

  abstract run(): Promise<void>
}

/** An idempotent producer that keeps sending numbered records to three partitions. */
export class Producing extends Load {
  readonly acknowledged: { partition: number; offset: number; value: string }[] = []
  readonly #kafka: Kafka
  readonly #name: string
  #next = 0

  constructor(kafka: Kafka, name: string) {
    super()
    this.#kafka = kafka
    this.#name = name
  }

  async run(): Promise<void> {
    await using producer = this.#kafka.producer({ deliveryTimeoutMs: 60_000, lingerMs: 1 })
    const send = async (n: number) => {
      const value = `${this.#name} ${n} ${'.'.repeat(n % 300)}`
      const { partition, offset } = await producer.send('numbers', { value, partition: n % 3 })
      this.acknowledged.push({ partition, offset, value })
    }
    // Several groups at a time: a kill finds some sent, some written, some synced, some answered.
    const lane = async () => {
      while (!this.isStopped) {
        const from = this.#next
        this.#next += 10
        await Promise.all(Array.from({ length: 10 }, (_, i) => send(from + i)))
        this.round()
      }
    }
    await Promise.all([lane(), lane(), lane()])
  }
}

/** Commits ever higher offsets for a group without members, and asks for what was committed. */
export class Committing extends Load {
  count = 0
  readonly #kafka: Kafka
  readonly #steps: { committed: number; seen: number }[] = []

  constructor(kafka: Kafka) {
    super()
    this.#kafka = kafka
  }

  async run(): Promise<void> {
    const admin = this.#kafka.admin()
    for (let offset = 1; !this.isStopped; offset++) {
      const [before] = await admin.groups.offsets('progress')
      await admin.groups.setOffsets('progress', [{ topic: 'numbers', partition: 0, offset }])
      this.#steps.push({ committed: offset, seen: before?.offset ?? 0 })
      this.count++
      this.round()
    }
  }

  /** No answer was less than a commit acknowledged before. */
  check(): void {
    let highest = 0
    for (const { committed, seen } of this.#steps) {
      assert.ok(seen >= highest, `the committed offset went back from ${highest} to ${seen}`)
      highest = committed
    }
  }
}

/** A member of a group that reads along and commits what it has read. */
export class Reading extends Load {
  readonly #kafka: Kafka
  readonly #read: { partition: number; offset: number; value: string }[] = []
  readonly #stopping = new AbortController()
  #rebalances = 0

  constructor(kafka: Kafka) {
    super()
    this.#kafka = kafka
  }

  get count(): number {
    return this.#read.length
  }

  override stop(): void {
    super.stop()
    this.#stopping.abort()
  }

  async run(): Promise<void> {
    await using consumer = this.#kafka.consumer({
      group: 'readers',
      topics: ['numbers'],
      from: 'earliest',
      commit: { every: 20 },
      onAssigned: () => void this.#rebalances++,
    })
    const note = (record: { partition: number; offset: number; value: unknown }) => {
      const value = Buffer.from(record.value as Uint8Array).toString()
      this.#read.push({ partition: record.partition, offset: record.offset, value })
      this.round()
    }
    await consumer.run(async record => note(record), { signal: this.#stopping.signal })
  }

  /** It was given each record of each partition once and in order from the first on, and joined once. */
  check(records: ReadonlyMap<string, string>): void {
    assert.equal(this.#rebalances, 1, 'a kill made the group rebalance')
    const next = new Map<number, number>()
    for (const { partition, offset, value } of this.#read) {
      assert.equal(offset, next.get(partition) ?? 0, `the group read on at ${partition}/${offset}`)
      assert.equal(
        records.get(`${partition}/${offset}`),
        value,
        `the group read another record at ${partition}/${offset}`,
      )
      next.set(partition, offset + 1)
    }
  }
}
