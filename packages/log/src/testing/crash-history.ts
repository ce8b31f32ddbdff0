/**
 * The life of an engine on a machine that keeps crashing, from a seed.
 *
 *     boot ─▶ check what is there ─▶ producers, readers; now and then a trim, a disk that is full or fails ─▶ power fails ─▶ boot …
 *
 * Always true, or the history throws:
 * - a record acknowledged with acks=-1 is there afterwards, at its offset;
 * - a record that a reader has seen is there afterwards, at its offset;
 * - an idempotent producer that repeats what was not acknowledged gets every batch stored once, in order;
 * - offsets are dense, and a log start that was answered never goes back.
 */
import assert from 'node:assert/strict'
import type { Clock } from '@odradek/world'
import { type SimulatedWorld, simulatedWorld } from '@odradek/world'
import { EmbeddedEngine } from '../embedded-engine.ts'
import type { AppendBatch, Appended, TopicSpec } from '../engine.ts'
import { silent } from '../log-services.ts'
import { batchOf, recordsOf, topicOf } from './batches.ts'

const partitions = [1, 2, 3, 4, 5, 6]
const topic: TopicSpec = {
  ...topicOf({ segmentBytes: 1500, indexIntervalBytes: 200, fileDeleteDelayMs: 10, retentionBytes: 6000 }),
  partitions: partitions.map(id => ({ index: id - 1, id })),
}
/** The journal's pieces are left and written over all the time, or grow now and then; some batches are too large for it. */
const journalBytes = [12_288, 200_000]
const limits = {
  openFiles: 2,
  syncs: 2,
  tailBytes: 3000,
  journaledBytes: 500,
  describeBytes: 700,
}
const lives = 4
const stepsPerLife = 40

/** How often the journal was written, and a start found something to replay. */
export interface JournalUse {
  groups: number
  replays: number
}

export async function crashHistory(seed: number): Promise<JournalUse> {
  const history = new CrashHistory(seed)
  await history.run()
  return history.use
}

/** What a partition must still have after a crash. */
interface Promised {
  /** Offset to value: acknowledged or seen. */
  kept: Map<number, string>
  logStart: number
  sent: number
  sequence: number
  /** Idempotent batches that no answer came for, oldest first. */
  unanswered: { batch: () => AppendBatch; values: string[] }[]
}

class CrashHistory {
  readonly #world: SimulatedWorld
  readonly #seed: number
  readonly #promised = new Map(
    partitions.map(id => [id, { kept: new Map(), logStart: 0, sent: 0, sequence: 0, unanswered: [] } as Promised]),
  )
  readonly #faults: (() => void)[] = []
  readonly use: JournalUse = { groups: 0, replays: 0 }
  #engine!: EmbeddedEngine
  #clock!: Clock
  #life = 0

  constructor(seed: number) {
    this.#seed = seed
    this.#world = simulatedWorld({ seed, disk: { syncMs: [0.1, 4], readMs: [0, 0.5] } })
  }

  async run(): Promise<void> {
    const { random } = this.#world
    this.#world.machine('m').disk.observe((operation, path) => {
      if (operation === 'write' && path.startsWith('/data/journal/')) this.use.groups++
    })
    for (this.#life = 0; this.#life < lives; this.#life++) {
      await this.#boot()
      await this.#check()
      for (const id of partitions) this.#repeat(id)
      for (const id of partitions) void this.#follow(id, this.#engine)
      for (let step = random.int(stepsPerLife); step > 0; step--) await this.#step()
      if (random.int(4) === 0) await this.#settle(this.#engine.close({ drain: true }).catch(() => undefined))
      for (const takeBack of this.#faults.splice(0)) takeBack()
      const fates = ['seeded', 'seeded', 'kept', 'lost'] as const
      this.#world.machine('m').crash({ unsynced: fates[random.int(4)]! })
    }
    await this.#boot()
    await this.#check()
  }

  async #boot(): Promise<void> {
    const { clock, disk } = this.#world.machine('m').boot()
    this.#clock = clock
    this.#engine = await this.#settle(
      EmbeddedEngine.start({
        clock,
        disk,
        folder: '/data',
        leaderEpoch: this.#life,
        limits: { ...limits, journalBytes: journalBytes[this.#seed % 2]! },
        logger: { ...silent, info: (_, message) => this.#hear(message) },
      }),
    )
    await this.#settle(this.#engine.open(topic))
  }

  #hear(message: string): void {
    if (message === 'replayed the journal') this.use.replays++
  }

  #settle<T>(promise: Promise<T>): Promise<T> {
    return this.#world.clock.finish(promise)
  }

  async #step(): Promise<void> {
    const { random } = this.#world
    const id = partitions[random.int(partitions.length)]!
    const choice = random.int(12)
    if (choice < 5) this.#produce(id)
    else if (choice === 5) for (const each of partitions) this.#produce(each)
    else if (choice < 9)
      void this.#engine.append([this.#plain(id)], {
        acks: random.int(2) === 0 ? 0 : 1,
        deadline: this.#clock.monotonic() + 1000,
      })
    else if (choice === 9 && random.int(3) === 0) await this.#trim(id)
    else if (choice === 10 && random.int(4) === 0) this.#breakSomething()
    else await this.#world.clock.advance(random.int(5))
  }

  /** The disk is full, or fails, for a few operations from some point on. */
  #breakSomething(): void {
    const { random } = this.#world
    const faults = [
      { on: 'write', code: 'ENOSPC' },
      { on: 'write', code: 'ENOSPC', path: '/journal/' },
      { on: 'open', code: 'ENOSPC' },
      { on: 'open', code: 'EMFILE' },
      { on: 'sync', code: 'EIO' },
      { on: 'syncFolder', code: 'EIO' },
      { on: 'rename', code: 'EIO' },
    ] as const
    const rule = { ...faults[random.int(faults.length)]!, after: random.int(5), times: 1 + random.int(3) }
    this.#faults.push(this.#world.machine('m').disk.fail(rule))
  }

  /** An idempotent producer sends, and notes what is answered. */
  #produce(id: number): void {
    const promised = this.#promised.get(id)!
    const values = Array.from({ length: 1 + this.#world.random.int(3) }, () => this.#value(id, 'idempotent'))
    const baseSequence = promised.sequence
    promised.sequence += values.length
    const batch = () => batchOf({ partition: id, values, producerId: BigInt(id), producerEpoch: 0, baseSequence })
    const entry = { batch, values }
    promised.unanswered.push(entry)
    this.#send(id, entry)
  }

  #repeat(id: number): void {
    for (const entry of [...this.#promised.get(id)!.unanswered]) this.#send(id, entry)
  }

  #send(id: number, entry: Promised['unanswered'][number]): void {
    const life = this.#life
    const promised = this.#promised.get(id)!
    void this.#engine
      .append([entry.batch()], { acks: -1, deadline: Number.POSITIVE_INFINITY })
      .then(([answer]: Appended[]) => {
        if (life !== this.#life || !answer?.ok) return
        for (const [i, value] of entry.values.entries()) promised.kept.set(answer.baseOffset + i, value)
        promised.unanswered = promised.unanswered.filter(other => other !== entry)
      })
  }

  #plain(id: number): AppendBatch {
    return batchOf({ partition: id, values: [this.#value(id, 'plain')] })
  }

  #value(id: number, kind: string): string {
    return `${kind} ${this.#promised.get(id)!.sent++} ${'.'.repeat(this.#world.random.int(200))}`
  }

  async #trim(id: number): Promise<void> {
    const [state] = await this.#settle(this.#engine.state([id]))
    const before = this.#world.random.int(state!.highWatermark + 1)
    const [trimmed] = await this.#settle(this.#engine.trim([{ partition: id, before }]))
    if (trimmed!.ok) this.#promised.get(id)!.logStart = trimmed!.logStartOffset
  }

  /** A consumer at the end of the log. */
  async #follow(id: number, engine: EmbeddedEngine): Promise<void> {
    const life = this.#life
    const promised = this.#promised.get(id)!
    for (let offset = promised.logStart; life === this.#life; ) {
      const [result] = await engine.read([{ partition: id, offset, maxBytes: 500, isolation: 'uncommitted' }], {
        maxBytes: 500,
        minOne: true,
      })
      if (life !== this.#life || result === undefined) return
      if (!result.ok) {
        if (result.state === undefined || offset >= result.state.logStartOffset) return
        offset = result.state.logStartOffset
        continue
      }
      for (const record of recordsOf(result, offset)) {
        promised.kept.set(record.offset, record.value)
        offset = record.offset + 1
      }
      if (result.chunks.length === 0)
        await engine.onGrowth([id], [result.state.highWatermark], new AbortController().signal)
    }
  }

  async #check(): Promise<void> {
    for (const id of partitions) {
      const promised = this.#promised.get(id)!
      const [state] = await this.#settle(this.#engine.state([id]))
      const where = `seed ${this.#seed}, life ${this.#life}, partition ${id}`
      assert(
        state!.logStartOffset >= promised.logStart,
        `${where}: the log start went back to ${state!.logStartOffset} from ${promised.logStart}`,
      )
      const found = await this.#readAll(id, state!.logStartOffset, state!.highWatermark, where)
      for (const [offset, value] of promised.kept) {
        if (offset >= state!.logStartOffset) assert.equal(found.get(offset), value, `${where}: offset ${offset}`)
      }
      const values = [...found.values()]
      const repeated = values.filter(value => value.startsWith('idempotent')).map(value => Number(value.split(' ')[1]))
      assert.deepEqual(
        repeated,
        repeated.toSorted((a, b) => a - b),
        `${where}: idempotent batches are in order`,
      )
      assert.equal(new Set(values).size, values.length, `${where}: a record is there twice`)
    }
  }

  async #readAll(id: number, from: number, to: number, where: string): Promise<Map<number, string>> {
    const found = new Map<number, string>()
    for (let offset = from; offset < to; ) {
      const [result] = await this.#settle(
        this.#engine.read([{ partition: id, offset, maxBytes: 2000, isolation: 'uncommitted' }], {
          maxBytes: 2000,
          minOne: true,
        }),
      )
      const records = recordsOf(result, offset)
      assert(records.length > 0, `${where}: nothing at offset ${offset}, before the high watermark ${to}`)
      for (const record of records) {
        assert.equal(record.offset, offset++, `${where}: offsets are dense`)
        found.set(record.offset, record.value)
      }
    }
    return found
  }
}
