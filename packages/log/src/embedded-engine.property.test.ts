import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Appended, LogEngine, ReadResult } from './engine.ts'
import { batchOf, recordsOf, topicOf } from './testing/batches.ts'
import { engineOnSimulatedDisk } from './testing/engines.ts'
import { LogModel } from './testing/log-model.ts'

const values = fc.array(fc.string({ maxLength: 60 }), { minLength: 1, maxLength: 4 })
const timestamp = fc.integer({ min: 1, max: 100 })

const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('append' as const), values, timestamp }) },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('produce' as const),
      values,
      timestamp,
      producerId: fc.bigInt({ min: 1n, max: 2n }),
      producerEpoch: fc.integer({ min: 0, max: 1 }),
      // 0: go on; below: again; above: a gap.
      shift: fc.constantFrom(0, 0, 0, 0, -1, -2, 1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('read' as const), offset: fc.integer({ min: -1, max: 80 }) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('trim' as const), before: fc.integer({ min: -1, max: 60 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('time' as const),
      timestamp: fc.oneof(timestamp, fc.constant('max' as const)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('restart' as const), drain: fc.boolean() }) },
)

type Action = typeof action extends fc.Arbitrary<infer A> ? A : never

test('an engine answers like a list of batches, whatever happens to it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async actions => {
      const pair = new Pair()
      await pair.start()
      for (const each of actions) await pair.do(each)
      await pair.stop()
    }),
    { numRuns: 300 },
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
    else if (action.act === 'read') await this.#read(action.offset)
    else if (action.act === 'trim') await this.#trim(action.before)
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
