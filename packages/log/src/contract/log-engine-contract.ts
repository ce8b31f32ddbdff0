/** What every LogEngine must do, whatever it stores its bytes on. `logEngineContract` runs the same tests against each. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { decodeRecords, ErrorCodes, eachBatch, hasValidCrc } from '@odradek/protocol'
import type { AppendBatch, Appended, LogEngine, ReadRequest, ReadResult, TopicSpec } from '../engine.ts'
import { batchOf, recordsOf, topicOf, valuesOf } from '../testing/batches.ts'

/** An engine that can be started again on the same data. */
export interface EngineUnderTest {
  /** The first start and every later one gives a leader epoch one higher, from 0. */
  start(): Promise<LogEngine>
  /** Drives the engine's world until the promise has settled. */
  settle<T>(promise: Promise<T>): Promise<T>
  /** Whatever the engine left behind. */
  dispose(): Promise<void>
}

const never = new AbortController().signal

export function logEngineContract(name: string, make: () => Promise<EngineUnderTest>): void {
  describe(`${name} as a LogEngine`, () => {
    const bench = new Bench()
    beforeEach(async () => bench.begin(await make()))
    afterEach(() => bench.end())
    appending(bench)
    reading(bench)
    sequences(bench)
    timesAndEpochs(bench)
    growing(bench)
    shrinking(bench)
    starting(bench)
  })
}

/** The engine of the running test, with its answers waited for. */
class Bench {
  #under!: EngineUnderTest
  #engine!: LogEngine
  #topics = new Map<string, TopicSpec>()

  async begin(under: EngineUnderTest): Promise<void> {
    this.#under = under
    this.#engine = await this.settle(under.start())
    this.#topics.clear()
  }

  async end(): Promise<void> {
    await this.settle(this.#engine.close({ drain: false }))
    await this.#under.dispose()
  }

  get engine(): LogEngine {
    return this.#engine
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.#under.settle(promise)
  }

  async open(topic: TopicSpec = topicOf()): Promise<void> {
    this.#topics.set(topic.topicId, topic)
    await this.settle(this.#engine.open(topic))
  }

  /** Stops and starts on the same data; opens the topics again. */
  async restart({ drain }: { drain: boolean }): Promise<void> {
    await this.settle(this.#engine.close({ drain }))
    this.#engine = await this.settle(this.#under.start())
    for (const topic of this.#topics.values()) await this.settle(this.#engine.open(topic))
  }

  append(batches: AppendBatch[], acks: 0 | 1 | -1 = -1): Promise<Appended[]> {
    return this.settle(this.#engine.append(batches, { acks, deadline: Number.POSITIVE_INFINITY }))
  }

  async read(offset: number, options: Partial<ReadRequest> & { minOne?: boolean } = {}): Promise<ReadResult> {
    const { minOne = true, ...request } = options
    const read: ReadRequest = { partition: 1, offset, maxBytes: 1_000_000, isolation: 'uncommitted', ...request }
    const [result] = await this.settle(this.#engine.read([read], { maxBytes: 10_000_000, minOne }))
    return result!
  }
}

const offsets = (appended: Appended[]): (number | string)[] =>
  appended.map(answer => (answer.ok ? answer.baseOffset : errorName(answer.error)))
const errorName = (code: number): string => Object.entries(ErrorCodes).find(([, value]) => value === code)![0]
const errorOf = (result: { ok: boolean; error?: number } | undefined): string =>
  result === undefined || result.ok ? 'none' : errorName(result.error!)

function appending(bench: Bench): void {
  test('batches get the next offsets of their partition, in the order given', async () => {
    await bench.open()
    const batches = [
      batchOf({ values: ['a', 'b'] }),
      batchOf({ partition: 2, values: ['x'] }),
      batchOf({ values: ['c'] }),
    ]
    assert.deepEqual(offsets(await bench.append(batches)), [0, 0, 2])
    assert.deepEqual(offsets(await bench.append([batchOf()])), [3])
    assert.deepEqual(valuesOf(await bench.read(0)), ['a', 'b', 'c', 'a'])
    assert.deepEqual(valuesOf(await bench.read(0, { partition: 2 })), ['x'])
  })

  test('appends that are not waited for keep their order', async () => {
    await bench.open()
    const appends = Array.from({ length: 20 }, (_, i) =>
      bench.engine.append([batchOf({ values: [`${i}`] })], { acks: 1, deadline: Number.POSITIVE_INFINITY }),
    )
    const answers = (await bench.settle(Promise.all(appends))).flat()
    assert.deepEqual(
      offsets(answers),
      answers.map((_, i) => i),
    )
  })

  test('a batch is stored as it was sent, with base offset and leader epoch filled in', async () => {
    await bench.open()
    await bench.append([batchOf({ values: ['a', 'b'] }), batchOf({ values: ['c'] })])
    const result = await bench.read(0)
    assert(result.ok)
    const found = result.chunks.flatMap(chunk =>
      [...eachBatch(chunk)].map(batch => [batch.baseOffset, batch.partitionLeaderEpoch, hasValidCrc(chunk, batch.at)]),
    )
    assert.deepEqual(found, [
      [0, 0, true],
      [2, 0, true],
    ])
  })

  test('an unknown partition is refused without harm to the others', async () => {
    await bench.open()
    const answers = await bench.append([batchOf({ partition: 99 }), batchOf()])
    assert.deepEqual(offsets(answers), ['UNKNOWN_TOPIC_OR_PARTITION', 0])
  })

  test('what is acknowledged to acks=-1 can be read at once', async () => {
    await bench.open()
    await bench.append([batchOf({ values: ['a', 'b', 'c'] })], -1)
    const [state] = await bench.settle(bench.engine.state([1]))
    assert.equal(state!.highWatermark, 3)
  })

  test('batches that are too large are refused', async () => {
    await bench.open(topicOf({ maxMessageBytes: 300, segmentBytes: 1000 }))
    const [large] = await bench.append([batchOf({ values: ['x'.repeat(300)] })])
    assert.equal(errorOf(large), 'MESSAGE_TOO_LARGE')
    bench.engine.configure([1], { ...topicOf().config, segmentBytes: 200 })
    const [larger] = await bench.append([batchOf({ values: ['x'.repeat(300)] })])
    assert.equal(errorOf(larger), 'RECORD_LIST_TOO_LARGE')
    assert.deepEqual(offsets(await bench.append([batchOf()])), [0])
  })

  test('with LogAppendTime every record has the time of its append, and the answer says so', async () => {
    await bench.open(topicOf({ messageTimestampType: 'LogAppendTime' }))
    const [answer] = await bench.append([batchOf({ values: ['a', 'b'], timestamp: 7 })])
    assert(answer?.ok && answer.appendTime !== undefined && answer.appendTime > 1_000_000)
    const result = await bench.read(0)
    assert(result.ok && hasValidCrc(result.chunks[0]!, 0))
    for (const record of decodeRecords(result.chunks[0]!, 0)) assert.equal(record.timestamp, answer.appendTime)
  })
}

function reading(bench: Bench): void {
  test('an offset inside a batch gives the whole batch', async () => {
    await bench.open()
    await bench.append([batchOf({ values: ['a', 'b', 'c'] }), batchOf({ values: ['d'] })])
    assert.deepEqual(recordsOf(await bench.read(1))[0], { offset: 0, value: 'a' })
    assert.deepEqual(valuesOf(await bench.read(3)), ['d'])
  })

  test('the end of the log gives nothing, and what lies beyond is out of range', async () => {
    await bench.open()
    await bench.append([batchOf({ values: ['a', 'b'] })])
    const atEnd = await bench.read(2)
    assert(atEnd.ok && atEnd.chunks.length === 0 && atEnd.state.highWatermark === 2)
    const beyond = await bench.read(3)
    assert.equal(errorOf(beyond), 'OFFSET_OUT_OF_RANGE')
    assert(!beyond.ok && beyond.state?.highWatermark === 2)
    assert.equal(errorOf(await bench.read(-1)), 'OFFSET_OUT_OF_RANGE')
    assert.equal(errorOf(await bench.read(0, { partition: 99 })), 'UNKNOWN_TOPIC_OR_PARTITION')
  })

  test('maxBytes is kept, but for the first batch when there must be one', async () => {
    await bench.open()
    const [a, b, c] = ['a', 'b', 'c'].map(value => batchOf({ values: [value.repeat(100)] }))
    const size = a!.bytes.length
    await bench.append([a!, b!, c!])
    const count = async (maxBytes: number, minOne: boolean) =>
      valuesOf(await bench.read(0, { maxBytes, minOne })).length
    assert.equal(await count(2 * size, true), 2)
    assert.equal(await count(2 * size - 1, true), 1)
    assert.equal(await count(1, true), 1)
    assert.equal(await count(1, false), 0)
    assert.equal(await count(size, false), 1)
  })

  test('over all partitions too, maxBytes is kept, and only the first that has records gives one regardless', async () => {
    await bench.open()
    await bench.append([batchOf({ values: ['a'] }), batchOf({ partition: 2, values: ['x'] })])
    const reads = [2, 1].map(partition => ({ partition, offset: 0, maxBytes: 1000, isolation: 'uncommitted' as const }))
    const results = await bench.settle(bench.engine.read(reads, { maxBytes: 1, minOne: true }))
    assert.deepEqual(
      results.map(result => valuesOf(result)),
      [['x'], []],
    )
  })

  test('a log of many segments reads as one', async () => {
    await bench.open(topicOf({ segmentBytes: 500, indexIntervalBytes: 100 }))
    const values = Array.from({ length: 60 }, (_, i) => `value ${i}`)
    for (const value of values) await bench.append([batchOf({ values: [value] })])
    for (let start = 0; start < 60; start += 7) {
      const seen: string[] = []
      for (let offset = start; offset < 60; ) {
        const records = recordsOf(await bench.read(offset, { maxBytes: 300 }), offset)
        seen.push(...records.map(({ value }) => value))
        offset = records.at(-1)!.offset + 1
      }
      assert.deepEqual(seen, values.slice(start))
    }
  })
}

function sequences(bench: Bench): void {
  const sent = (baseSequence: number, values = ['a'], producerEpoch = 0) =>
    batchOf({ values, producerId: 7n, producerEpoch, baseSequence })

  test('a batch sent again is answered with its first offset and stored once', async () => {
    await bench.open()
    await bench.append([batchOf({ values: ['before'] }), sent(0, ['a', 'b'])])
    for (const acks of [-1, 1] as const) {
      const [again] = await bench.append([sent(0, ['a', 'b'])], acks)
      assert(again?.ok && again.duplicate && again.baseOffset === 1)
    }
    assert.deepEqual(valuesOf(await bench.read(0)), ['before', 'a', 'b'])
  })

  test('a batch and its repetition in the same breath are stored once', async () => {
    await bench.open()
    assert.deepEqual(offsets(await bench.append([sent(0), sent(1), sent(0), sent(1), sent(2)])), [0, 1, 0, 1, 2])
  })

  test('a gap is out of order, an older epoch is fenced, a new epoch starts at 0', async () => {
    await bench.open()
    const answers = [sent(0), sent(2), sent(1), sent(1, ['a'], 1), sent(0, ['a'], 1), sent(2, ['a'], 0)]
    const expected = [0, 'OUT_OF_ORDER_SEQUENCE_NUMBER', 1, 'OUT_OF_ORDER_SEQUENCE_NUMBER', 2, 'INVALID_PRODUCER_EPOCH']
    for (const [i, batch] of answers.entries()) assert.deepEqual(offsets(await bench.append([batch])), [expected[i]])
  })

  test('producers are remembered across restarts of either kind', async () => {
    await bench.open()
    await bench.append([sent(0, ['a', 'b'])])
    await bench.restart({ drain: true })
    await bench.append([sent(2)])
    await bench.restart({ drain: false })
    assert.deepEqual(offsets(await bench.append([sent(0, ['a', 'b']), sent(2), sent(3), sent(5)])), [
      0,
      2,
      3,
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
    ])
    const [producer] = await bench.settle(bench.engine.producers(1))
    assert.deepEqual(producer, {
      producerId: 7n,
      producerEpoch: 0,
      lastSequence: 3,
      lastTimestamp: 1000,
      currentTransactionStart: -1,
    })
  })
}

function timesAndEpochs(bench: Bench): void {
  test('a timestamp leads to the first record that is not older', async () => {
    await bench.open(topicOf({ segmentBytes: 400, indexIntervalBytes: 50 }))
    for (let i = 0; i < 20; i++) await bench.append([batchOf({ values: ['a', 'b', 'c'], timestamp: 1000 + i * 10 })])
    const ask = async (timestamp: number | 'max') =>
      (await bench.settle(bench.engine.offsetForTime([{ partition: 1, timestamp }])))[0]
    assert.deepEqual(await ask(0), { offset: 0, timestamp: 1000, leaderEpoch: 0 })
    assert.deepEqual(await ask(1001), { offset: 1, timestamp: 1001, leaderEpoch: 0 })
    assert.deepEqual(await ask(1103), { offset: 33, timestamp: 1110, leaderEpoch: 0 })
    assert.deepEqual(await ask(1192), { offset: 59, timestamp: 1192, leaderEpoch: 0 })
    assert.deepEqual(await ask(1193), { offset: -1, timestamp: -1, leaderEpoch: -1 })
    await bench.append([batchOf({ timestamp: 1100 })])
    assert.deepEqual(await ask('max'), { offset: 59, timestamp: 1192, leaderEpoch: 0 })
  })

  test('an empty log has no time', async () => {
    await bench.open()
    const answers = await bench.settle(
      bench.engine.offsetForTime([
        { partition: 1, timestamp: 0 },
        { partition: 1, timestamp: 'max' },
      ]),
    )
    for (const answer of answers) assert.deepEqual(answer, { offset: -1, timestamp: -1, leaderEpoch: -1 })
  })

  test('each start is a new leader epoch, and the end of every earlier one is known', async () => {
    await bench.open()
    await bench.append([batchOf({ values: ['a', 'b'] })])
    await bench.restart({ drain: true })
    await bench.restart({ drain: false })
    await bench.append([batchOf()])
    const queries = [0, 1, 2, 3].map(epoch => ({ partition: 1, epoch }))
    assert.deepEqual(await bench.settle(bench.engine.offsetForEpoch(queries)), [
      { epoch: 0, endOffset: 2 },
      { epoch: 0, endOffset: 2 },
      { epoch: 2, endOffset: 3 },
      { epoch: -1, endOffset: -1 },
    ])
    const [state] = await bench.settle(bench.engine.state([1]))
    assert.equal(state!.leaderEpoch, 2)
  })
}

function growing(bench: Bench): void {
  test('whoever waits for growth wakes when a record becomes visible, whatever its acks', async () => {
    await bench.open()
    for (const acks of [0, 1, -1] as const) {
      const [state] = await bench.settle(bench.engine.state([1]))
      const woken = bench.engine.onGrowth([2, 1], [0, state!.highWatermark], never)
      await bench.append([batchOf()], acks)
      await bench.settle(woken)
      const [grown] = await bench.settle(bench.engine.state([1]))
      assert.equal(grown!.highWatermark, state!.highWatermark + 1)
    }
  })

  test('waiting for growth that has already happened, or for an unknown partition, ends at once', async () => {
    await bench.open()
    await bench.append([batchOf()])
    await bench.settle(bench.engine.onGrowth([1], [0], never))
    await bench.settle(bench.engine.onGrowth([99], [0], never))
    await bench.settle(bench.engine.onGrowth([1], [1], AbortSignal.abort()))
  })

  test('whoever waits for growth wakes when the log is trimmed or dropped, and when told to stop', async () => {
    await bench.open()
    await bench.append([batchOf(), batchOf()])
    const trimmed = bench.engine.onGrowth([1], [2], never)
    await bench.settle(bench.engine.trim([{ partition: 1, before: 1 }]))
    await bench.settle(trimmed)
    const stop = new AbortController()
    const stopped = bench.engine.onGrowth([1], [2], stop.signal)
    stop.abort()
    await bench.settle(stopped)
    const dropped = bench.engine.onGrowth([1], [2], never)
    await bench.settle(bench.engine.drop(topicOf().topicId))
    await bench.settle(dropped)
  })
}

function shrinking(bench: Bench): void {
  test('trimming raises the log start, for good', async () => {
    await bench.open()
    await bench.append([batchOf({ values: ['a', 'b'] }), batchOf({ values: ['c', 'd'] })])
    const trim = async (before: number) => (await bench.settle(bench.engine.trim([{ partition: 1, before }])))[0]
    assert.deepEqual(await trim(1), { ok: true, logStartOffset: 1 })
    assert.deepEqual(await trim(0), { ok: true, logStartOffset: 1 })
    assert.equal(errorOf(await trim(5)), 'OFFSET_OUT_OF_RANGE')
    assert.equal(errorOf(await bench.read(0)), 'OFFSET_OUT_OF_RANGE')
    assert.deepEqual(valuesOf(await bench.read(1), 1), ['b', 'c', 'd'])
    await bench.restart({ drain: false })
    assert.equal(errorOf(await bench.read(0)), 'OFFSET_OUT_OF_RANGE')
    assert.deepEqual(await trim(-1), { ok: true, logStartOffset: 4 })
    assert.deepEqual(offsets(await bench.append([batchOf()])), [4])
    await bench.restart({ drain: true })
    const [state] = await bench.settle(bench.engine.state([1]))
    assert.equal(state!.logStartOffset, 4)
    assert.equal(state!.highWatermark, 5)
  })

  test('a dropped topic is gone, and one made anew under its name is empty', async () => {
    await bench.open()
    await bench.append([batchOf()])
    await bench.settle(bench.engine.drop(topicOf().topicId))
    assert.deepEqual(await bench.settle(bench.engine.state([1, 2])), [null, null])
    assert.deepEqual(offsets(await bench.append([batchOf()])), ['UNKNOWN_TOPIC_OR_PARTITION'])
    await bench.open(topicOf({}, '7c1d2f6a-55e0-4f0b-9a63-0d6f9f1e2b02'))
    assert.deepEqual(offsets(await bench.append([batchOf()])), [0])
  })

  test('a topic whose deletion was cut short is dropped without having been opened', async () => {
    await bench.open()
    await bench.append([batchOf()])
    await bench.settle(bench.engine.close({ drain: false }))
    await bench.restart({ drain: false })
    await bench.settle(bench.engine.drop(topicOf().topicId))
    await bench.open()
    assert.equal((await bench.settle(bench.engine.state([1])))[0]!.highWatermark, 0)
  })
}

function starting(bench: Bench): void {
  test('everything acknowledged is there after a restart of either kind', async () => {
    await bench.open(topicOf({ segmentBytes: 400 }))
    const values: string[] = []
    for (const drain of [true, false, false, true, true]) {
      for (let i = 0; i < 8; i++) {
        values.push(`${drain} ${values.length}`)
        await bench.append([batchOf({ values: values.slice(-1) })])
      }
      await bench.restart({ drain })
      const seen: string[] = []
      while (seen.length < values.length) seen.push(...valuesOf(await bench.read(seen.length), seen.length))
      assert.deepEqual(seen, values)
    }
  })

  test('opening again adds partitions and leaves those that are there as they are', async () => {
    await bench.open()
    await bench.append([batchOf()])
    await bench.open({ ...topicOf(), partitions: [...topicOf().partitions, { index: 2, id: 3 }] })
    assert.deepEqual(offsets(await bench.append([batchOf(), batchOf({ partition: 3 })])), [1, 0])
  })

  test('after closing, everything is refused and nothing hangs', async () => {
    await bench.open()
    await bench.settle(bench.engine.close({ drain: true }))
    assert.deepEqual(offsets(await bench.append([batchOf()])), ['KAFKA_STORAGE_ERROR'])
    assert.equal(errorOf(await bench.read(0)), 'KAFKA_STORAGE_ERROR')
  })
}
