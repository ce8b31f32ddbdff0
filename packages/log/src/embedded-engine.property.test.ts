import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Appended, LogEngine, ReadResult } from './engine.ts'
import { batchOf, recordsOf, topicOf } from './testing/batches.ts'
import { engineOnSimulatedDisk } from './testing/engines.ts'
import { LogModel } from './testing/log-model.ts'

const values = fc.array(fc.string({ maxLength: 60 }), { minLength: 1, maxLength: 4 })
const timestamp = fc.integer({ min: 1, max: 100 })
/** How far into the log, from just before it to just after. */
const place = fc.double({ min: -0.05, max: 1.05, noNaN: true })
const act = <const Act extends string, Fields>(
  name: Act,
  weight: number,
  fields: { [F in keyof Fields]: fc.Arbitrary<Fields[F]> },
) => ({
  weight,
  arbitrary: fc.record({ act: fc.constant(name), ...fields }) as fc.Arbitrary<{ act: Act } & Fields>,
})

const action = fc.oneof(
  act('append', 4, { values, timestamp }),
  act('produce', 4, {
    ...{ values, timestamp },
    producerId: fc.bigInt({ min: 1n, max: 2n }),
    producerEpoch: fc.nat(9).map(n => (n === 9 ? 1 : 0)),
    // 0: go on; below: again, so many back; above: a gap.
    shift: fc.constantFrom(0, 0, 0, 0, 0, 0, -1, -2, -4, -5, 1),
  }),
  act('read', 4, { place }),
  act('trim', 1, {
    place: fc.oneof({ weight: 9, arbitrary: fc.double({ min: -0.05, max: 0.3, noNaN: true }) }, place),
  }),
  act('time', 2, { timestamp: fc.oneof(timestamp, fc.constant('max' as const)) }),
  act('restart', 1, { drain: fc.boolean() }),
)

type Action = typeof action extends fc.Arbitrary<infer A> ? A : never

test('an engine answers like a list of batches, whatever happens to it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60, size: 'max' }), async actions => {
      const pair = new Pair()
      await pair.start()
      for (const each of actions) await pair.do(each)
      await pair.stop()
    }),
    { numRuns: 150 },
  )
})

/** An engine and its model. */
class Pair {
  readonly #model = new LogModel()
  readonly #sequences = new Map<string, number[]>()
  #under!: Awaited<ReturnType<typeof engineOnSimulatedDisk>>
  #engine!: LogEngine

  async start(): Promise<void> {
    this.#under = await engineOnSimulatedDisk()
    await this.#open()
  }

  async #open(): Promise<void> {
    this.#engine = await this.#under.settle(this.#under.start())
    await this.#under.settle(this.#engine.open(topicOf({ segmentBytes: 600, indexIntervalBytes: 150 })))
  }

  stop(): Promise<void> {
    return this.#under.settle(this.#engine.close({ drain: true }))
  }

  async do(action: Action): Promise<void> {
    if (action.act === 'append') await this.#append({ ...action, producerId: -1n, producerEpoch: -1, baseSequence: -1 })
    else if (action.act === 'produce') await this.#append({ ...action, baseSequence: this.#nextSequence(action) })
    else if (action.act === 'read') await this.#read(Math.floor(action.place * this.#model.end))
    else if (action.act === 'trim') await this.#trim(Math.max(-1, Math.floor(action.place * this.#model.end)))
    else if (action.act === 'time') await this.#time(action.timestamp)
    else await this.#restart(action.drain)
  }

  /** Sequences sent so far tell what going on, repeating and skipping are. */
  #nextSequence({ producerId, producerEpoch, shift, values: { length } }: Action & { act: 'produce' }): number {
    const key = `${producerId}/${producerEpoch}`
    const sent = this.#sequences.get(key) ?? [0]
    this.#sequences.set(key, sent)
    if (shift === 0) sent.push(sent.at(-1)! + length)
    return shift > 0 ? sent.at(-1)! + 1 : (sent.at(shift - (shift === 0 ? 2 : 1)) ?? 0)
  }

  async #append(spec: Parameters<LogModel['append']>[0]): Promise<void> {
    const appended = this.#engine.append([batchOf(spec)], { acks: -1, deadline: Number.POSITIVE_INFINITY })
    const [answer] = await this.#under.settle(appended)
    assert.deepEqual(plain(answer!), this.#model.append(spec))
  }

  async #read(offset: number): Promise<void> {
    const expected = this.#model.read(offset)
    const found: unknown[] = []
    for (let from = offset; ; ) {
      const read = { partition: 1, offset: from, maxBytes: 300, isolation: 'uncommitted' as const }
      const [result] = (await this.#under.settle(this.#engine.read([read], { maxBytes: 300, minOne: true }))) as [
        ReadResult,
      ]
      if (!result.ok) return assert.deepEqual({ error: result.error }, expected)
      const records = recordsOf(result)
      if (records.length === 0) return assert.deepEqual(found, expected)
      found.push(...records)
      from = records.at(-1)!.offset + 1
    }
  }

  async #trim(before: number): Promise<void> {
    const [trimmed] = await this.#under.settle(this.#engine.trim([{ partition: 1, before }]))
    const { ok: _, ...answer } = trimmed!
    assert.deepEqual(answer, this.#model.trim(before))
  }

  async #time(at: number | 'max'): Promise<void> {
    const [answer] = await this.#under.settle(this.#engine.offsetForTime([{ partition: 1, timestamp: at }]))
    assert.deepEqual(answer, this.#model.offsetForTime(at))
  }

  async #restart(drain: boolean): Promise<void> {
    await this.#under.settle(this.#engine.close({ drain }))
    await this.#open()
    this.#model.leaderEpoch++
    const [state] = await this.#under.settle(this.#engine.state([1]))
    const { logStartOffset, highWatermark, leaderEpoch } = state!
    const { logStartOffset: start, end, leaderEpoch: epoch } = this.#model
    assert.deepEqual([logStartOffset, highWatermark, leaderEpoch], [start, end, epoch])
  }
}

function plain(answer: Appended): unknown {
  return answer.ok ? { baseOffset: answer.baseOffset, duplicate: answer.duplicate } : { error: answer.error }
}
