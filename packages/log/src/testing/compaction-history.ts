/**
 * The life of a compacted topic from a seed: keyed records and tombstones, plain, idempotent and in transactions, on a machine whose
 * clock goes on and whose power fails, while the cleaner works with as little time as there is.
 *
 * Always true, or the history throws:
 * - every committed key has its last value; every record that is there is the one that was acknowledged at its offset;
 * - a tombstone that nothing has superseded can be read for delete.retention.ms after it was acknowledged;
 * - nothing of an aborted or open transaction is seen by who reads committed records, and nothing else is withheld;
 * - a producer's last batch, sent again, is a duplicate with its own offset, however much was cleaned.
 */
import assert from 'node:assert/strict'
import { type Clock, type Disk, type SimulatedWorld, simulatedWorld } from '@odradek/world'
import { EmbeddedEngine } from '../embedded-engine.ts'
import type { AppendBatch, Appended } from '../engine.ts'
import { topicOf } from './batches.ts'
import { committedView } from './committed-view.ts'
import { type KeyedRecord, keyedBatch, marker } from './keyed-batches.ts'

const deleteRetentionMs = 400
const topic = topicOf({
  ...{ cleanupPolicy: ['compact'], segmentBytes: 900, indexIntervalBytes: 200, deleteRetentionMs },
  ...{ minCleanableDirtyRatio: 0.2, fileDeleteDelayMs: 10 },
})
const producers = [1n, 2n, 3n]
const steps = 90

interface Written extends KeyedRecord {
  offset: number
  producerId: bigint
  /** Undefined: plain, or committed. */
  fate: 'open' | 'aborted' | undefined
  /** Simulated time of its acknowledgement. */
  at: number
}

interface Producer {
  sequence: number
  /** In a transaction. */
  isOpen: boolean
  last: { batch: () => AppendBatch; baseOffset: number } | undefined
}

export interface HistoryOptions {
  /** Stands between the engine and the disk. */
  wrapDisk?: (disk: Disk, crash: () => void) => Disk
  crashes?: boolean
}

export class CompactionHistory {
  readonly world: SimulatedWorld
  /** Passes that ended well. */
  passes = 0
  readonly #seed: number
  readonly #options: HistoryOptions
  readonly #faults: (() => void)[] = []
  readonly #written: Written[] = []
  readonly #producers = new Map(producers.map(id => [id, { sequence: 0, isOpen: false, last: undefined } as Producer]))
  #engine!: EmbeddedEngine
  #clock!: Clock
  #life = 0
  #count = 0

  constructor(seed: number, options: HistoryOptions = {}) {
    this.#seed = seed
    this.#options = options
    this.world = simulatedWorld({ seed, disk: { syncMs: [0.1, 2], readMs: [0, 0.3] } })
  }

  async run(): Promise<void> {
    const { random } = this.world
    await this.#boot()
    for (let step = 0; step < steps; step++) {
      const id = producers[random.int(producers.length)]!
      if (random.int(4) === 0) this.#breakSomething()
      const choice = random.int(20)
      if (choice < 12) await this.#send(id)
      else if (choice < 15) await this.#end(id)
      else if (choice < 18) await this.world.clock.advance(random.int(150))
      else if (choice === 18 && this.#options.crashes !== false) await this.#restart()
      else await this.#check()
    }
    await this.world.clock.advance(2 * deleteRetentionMs)
    await this.#check()
    await this.#restart()
    await this.#check()
    await this.#settle(this.#engine.close({ drain: false }))
  }

  get #machine() {
    return this.world.machine('m')
  }

  async #boot(): Promise<void> {
    const { clock, disk } = this.#machine.boot()
    this.#clock = clock
    const logger = {
      info: (_: object, message: string) => void (this.passes += Number(message === 'compacted a log')),
      warn() {},
      error() {},
    }
    this.#engine = await this.#settle(
      EmbeddedEngine.start({
        ...{ clock, logger, folder: '/data', leaderEpoch: this.#life++, random: this.world.random },
        disk: this.#options.wrapDisk?.(disk, () => this.#machine.crash()) ?? disk,
        limits: { openFiles: 3, tailBytes: 1500, journalBytes: 0 },
        cleaner: () => ({ backoffMs: 20 }),
      }),
    )
    await this.#settle(this.#engine.open(topic))
  }

  /** With a clean end, or without. */
  async #restart(): Promise<void> {
    const { random } = this.world
    const fates = ['seeded', 'seeded', 'seeded', 'kept', 'lost'] as const
    if (random.int(3) === 0) await this.#settle(this.#engine.close({ drain: true }))
    for (const takeBack of this.#faults.splice(0)) takeBack()
    this.#machine.crash({ unsynced: fates[random.int(5)]! })
    if (random.int(3) === 0) await this.#loseSnapshots()
    await this.#boot()
    await this.#check()
  }

  /** The next description of a segment does not get its name. */
  #breakSomething(): void {
    this.#faults.push(this.#machine.disk.fail({ on: 'rename', code: 'EIO', path: '.index.new' }))
  }

  /** Then producers and transactions are what the log alone says they are. */
  async #loseSnapshots(): Promise<void> {
    const { disk } = this.#machine
    const names = await disk.list('/data/orders-0').catch(() => [])
    for (const name of names) if (name.endsWith('.snapshot')) await disk.remove(`/data/orders-0/${name}`)
  }

  #settle<T>(promise: Promise<T>): Promise<T> {
    return this.world.clock.finish(promise)
  }

  async #append(batch: AppendBatch): Promise<number> {
    const [answer]: Appended[] = await this.#settle(
      this.#engine.append([batch], { acks: -1, deadline: Number.POSITIVE_INFINITY }),
    )
    assert(answer?.ok, `seed ${this.#seed}: refused: ${JSON.stringify(answer)}`)
    return answer.baseOffset
  }

  async #send(id: bigint): Promise<void> {
    const { random } = this.world
    const producer = this.#producers.get(id)!
    const isTransactional = id !== 1n
    const records = Array.from({ length: 1 + random.int(4) }, () => ({
      key: `key ${random.int(12)}`,
      value: random.int(5) === 0 ? null : `value ${this.#count++} ${'.'.repeat(random.int(60))}`,
    }))
    const baseSequence = producer.sequence
    const timestamp = this.#clock.now()
    const compression = (['none', 'gzip', 'lz4'] as const)[random.int(3)]!
    const batch = () =>
      keyedBatch({ records, timestamp, producerId: id, baseSequence, transactional: isTransactional, compression })
    const baseOffset = await this.#append(batch())
    producer.sequence += records.length
    producer.last = { batch, baseOffset }
    producer.isOpen = isTransactional
    for (const [i, record] of records.entries())
      this.#written.push({
        ...record,
        offset: baseOffset + i,
        producerId: id,
        fate: isTransactional ? 'open' : undefined,
        at: this.world.clock.now(),
      })
  }

  async #end(id: bigint): Promise<void> {
    const producer = this.#producers.get(id)!
    if (!producer.isOpen) return
    const type = this.world.random.int(2) === 0 ? 'abort' : 'commit'
    await this.#append(marker({ producerId: id, type, timestamp: this.#clock.now() }))
    producer.isOpen = false
    for (const record of this.#written)
      if (record.producerId === id && record.fate === 'open') record.fate = type === 'abort' ? 'aborted' : undefined
  }

  async #check(): Promise<void> {
    const where = `seed ${this.#seed}, life ${this.#life}`
    const [state] = await this.#settle(this.#engine.state([1]))
    const open = this.#written.find(({ fate }) => fate === 'open')
    assert.equal(state!.lastStableOffset, open?.offset ?? state!.highWatermark, `${where}: the last stable offset`)
    const seen = await this.#settle(committedView(this.#engine, 1))
    const byOffset = new Map(this.#written.map(record => [record.offset, record]))
    const found = new Map<string, number>()
    for (const { offset, key, value } of seen) {
      const { key: writtenKey, value: writtenValue, fate } = byOffset.get(offset) ?? {}
      assert.deepEqual([key, value, fate], [writtenKey, writtenValue, undefined], `${where}: offset ${offset}`)
      found.set(key, offset)
    }
    for (const [key, last] of this.#lastCommitted(state!.lastStableOffset)) {
      const mayBeGone = last.value === null && this.world.clock.now() - last.at >= deleteRetentionMs
      const offset = found.get(key)
      if (!(mayBeGone && offset === undefined)) assert.equal(offset, last.offset, `${where}: the last record of ${key}`)
    }
    await this.#checkDuplicates(where)
  }

  #lastCommitted(end: number): Map<string, Written> {
    const last = new Map<string, Written>()
    for (const record of this.#written)
      if (record.fate === undefined && record.offset < end) last.set(record.key, record)
    return last
  }

  async #checkDuplicates(where: string): Promise<void> {
    for (const { last } of this.#producers.values())
      if (last !== undefined) assert.equal(await this.#append(last.batch()), last.baseOffset, `${where}: a duplicate`)
  }
}
