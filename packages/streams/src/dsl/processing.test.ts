import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import {
  type FixedKeyProcessor,
  type KeyValueStore,
  keyValueStore,
  type Processor,
  type ProcessorContext,
  type StreamRecord,
  StreamsBuilder,
  TopologyTestDriver,
} from '../index.ts'

const text = { key: serde.string, value: serde.string }
const store = (name: string) => keyValueStore<string, string>({ name, ...text })
const read = (driver: TopologyTestDriver) => driver.output('out', serde.string, serde.string).readPairs()

/** Gives every value with the one before of its key. */
class WithLast implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>
  #last!: KeyValueStore<string, string>

  init(context: ProcessorContext<string, string>) {
    this.#context = context
    this.#last = context.store('last')
  }

  process(record: StreamRecord<string, string>) {
    const before = this.#last.get(record.key) ?? 'nothing'
    this.#last.put(record.key, record.value)
    return this.#context.forward({ ...record, value: `${before} ${record.value}` })
  }
}

test('a processor of one’s own keeps a store, which it brings or which the builder has', async () => {
  for (const isBrought of [true, false]) {
    const builder = new StreamsBuilder()
    if (!isBrought) builder.addStateStore(store('last'))
    const stores = isBrought ? [store('last')] : ['last']
    builder
      .stream('in', text)
      .process(() => new WithLast(), { stores, ...text })
      .to('out')
    const driver = new TopologyTestDriver(builder.build())
    const input = driver.input('in', serde.string, serde.string)
    await input.pipe('a', '1', 1)
    await input.pipe('a', '2', 2)
    assert.deepEqual(read(driver), [
      ['a', 'nothing 1'],
      ['a', '1 2'],
    ])
  }
})

test('a processor runs by the clock between records, and a store that was not connected is refused', async () => {
  const builder = new StreamsBuilder()
  const ticking = (): Processor<string, string, string, string> => ({
    init: context =>
      void context.schedule({ every: 1000, by: 'wall-clock' }, timestamp =>
        context.forward({ key: 'tick', value: String(context.recordMetadata), timestamp, headers: [] }),
      ),
    process: () => {},
  })
  builder.stream('in', text).process(ticking, text).to('out')
  const driver = new TopologyTestDriver(builder.build())
  await driver.advanceWallClock(1000)
  assert.deepEqual(read(driver), [['tick', 'undefined']])

  const unconnected = new StreamsBuilder()
  unconnected.addStateStore(store('other'))
  unconnected.stream('in', text).process(() => new WithLast(), { name: 'p' })
  assert.throws(
    () => new TopologyTestDriver(unconnected.build()),
    /Processor 'p' has no store 'last'. Connected to it: none/,
  )
})

test('a fixed-key processor forwards values under the key that came, and nothing is repartitioned below it', async () => {
  const builder = new StreamsBuilder()
  const doubling = (): FixedKeyProcessor<string, string, string> => {
    let forward: (value: string) => unknown
    return {
      init: context => {
        forward = value => context.forward({ value, timestamp: 7 })
      },
      process: async ({ value }) => {
        await forward(value)
        await forward(value)
      },
    }
  }
  const doubled = builder.stream('in', text).processValues(doubling, { value: serde.string })
  doubled.to('out')
  doubled.groupByKey().count({ store: 'counts' })
  const topology = builder.build()
  assert.equal(topology.subtopologies().length, 1)
  const driver = new TopologyTestDriver(topology)
  await driver.input('in', serde.string, serde.string).pipe('a', 'x', 1)
  const records = driver.output('out', serde.string, serde.string).read()
  assert.deepEqual(
    records.map(({ key, value, timestamp }) => [key, value, timestamp]),
    [
      ['a', 'x', 7],
      ['a', 'x', 7],
    ],
  )
})

test('a fixed-key processor has no key to forward under in a punctuation, and says what to use', async () => {
  const builder = new StreamsBuilder()
  const ticking = (): FixedKeyProcessor<string, string, string> => ({
    init: context => void context.schedule({ every: 1000, by: 'wall-clock' }, () => context.forward({ value: 'tick' })),
    process: () => {},
  })
  builder.stream('in', text).processValues(ticking).to('out')
  const driver = new TopologyTestDriver(builder.build())
  await driver.input('in', serde.string, serde.string).pipe('a', 'x', 1)
  await assert.rejects(driver.advanceWallClock(1000), /no record whose key could be kept in a punctuation: use process/)
})
