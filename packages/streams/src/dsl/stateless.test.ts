import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { type KStream, StreamsBuilder, TopologyTestDriver } from '../index.ts'

const text = { key: serde.string, value: serde.string }

/** What comes out of `out` when these records go into `in`. */
async function through(
  build: (stream: KStream<string, string>, builder: StreamsBuilder) => KStream<string, string> | undefined,
  records: readonly (readonly [string | null, string | null])[],
) {
  const builder = new StreamsBuilder()
  build(builder.stream('in', text), builder)?.to('out', text)
  const driver = new TopologyTestDriver(builder.build())
  const input = driver.input('in', serde.string, serde.string)
  for (const [i, [key, value]] of records.entries()) await input.pipe(key, value, i)
  return driver.output('out', serde.string, serde.string).readPairs()
}

const abc = [
  ['a', '1'],
  ['b', '22'],
  ['c', '333'],
] as const

test('filter keeps those for which the predicate is true, filterNot the others, whether they wait or not', async () => {
  const isLong = (value: string) => value.length > 1
  assert.deepEqual(await through(stream => stream.filter(isLong), abc), abc.slice(1))
  assert.deepEqual(await through(stream => stream.filterNot(isLong), abc), abc.slice(0, 1))
  assert.deepEqual(await through(stream => stream.filter(async value => isLong(value)), abc), abc.slice(1))
})

test('map, mapValues and selectKey change what they say', async () => {
  const pair = [['k', 'v']] as const
  assert.deepEqual(await through(stream => stream.map((value, key) => [value, key]), pair), [['v', 'k']])
  assert.deepEqual(await through(stream => stream.mapValues((value, key) => key + value), pair), [['k', 'kv']])
  assert.deepEqual(await through(stream => stream.mapValues(async value => `${value}!`), pair), [['k', 'v!']])
  assert.deepEqual(await through(stream => stream.selectKey(value => value), pair), [['v', 'v']])
})

test('flatMap and flatMapValues take lists, promises of lists, and what comes one by one', async () => {
  const pair = [['k', 'x y']] as const
  const expected = [
    ['k', 'x'],
    ['k', 'y'],
  ]
  assert.deepEqual(await through(stream => stream.flatMapValues(value => value.split(' ')), pair), expected)
  assert.deepEqual(await through(stream => stream.flatMapValues(async value => value.split(' ')), pair), expected)
  const oneByOne = async function* (value: string) {
    yield* value.split(' ')
  }
  assert.deepEqual(await through(stream => stream.flatMapValues(oneByOne), pair), expected)
  assert.deepEqual(
    await through(stream => stream.flatMap((value, key) => value.split(' ').map(word => [word, key] as const)), pair),
    [
      ['x', 'k'],
      ['y', 'k'],
    ],
  )
})

test('peek and foreach see every record, in order, also when they wait', async () => {
  const seen: string[] = []
  await through(stream => {
    stream.peek(async value => seen.push(`peek ${value}`)).foreach(value => seen.push(`each ${value}`))
    return undefined
  }, abc)
  assert.deepEqual(seen, ['peek 1', 'each 1', 'peek 22', 'each 22', 'peek 333', 'each 333'])
})

test('a split asks predicates in order, the first that is true wins and no other is asked (streams facts 2.50)', async () => {
  const asked: string[] = []
  const builder = new StreamsBuilder()
  const branches = builder.stream('in', text).split(
    {
      first: value => {
        asked.push(`first ${value}`)
        return value.length === 1
      },
      second: async value => {
        asked.push(`second ${value}`)
        return value.length < 3
      },
    },
    { rest: 'others' },
  )
  branches.first.to('firsts')
  branches.second.to('seconds')
  branches.others.to('others')
  const driver = new TopologyTestDriver(builder.build())
  const input = driver.input('in', serde.string, serde.string)
  for (const [key, value] of abc) await input.pipe(key, value, 1)
  assert.deepEqual(asked, ['first 1', 'first 22', 'second 22', 'first 333', 'second 333'])
  const read = (topic: string) => driver.output(topic, serde.string, serde.string).readPairs()
  assert.deepEqual(
    [read('firsts'), read('seconds'), read('others')],
    abc.map(pair => [[...pair]]),
  )
})

test('what no branch wants is dropped where no rest is named (streams facts 2.50)', async () => {
  assert.deepEqual(await through(stream => stream.split({ long: value => value.length > 2 }).long, abc), [['c', '333']])
})

test('merge passes on both streams as they come', async () => {
  const builder = new StreamsBuilder()
  builder.stream('a', text).merge(builder.stream('b', text)).to('out')
  const driver = new TopologyTestDriver(builder.build())
  await driver.input('b', serde.string, serde.string).pipe('k', 'b', 1)
  await driver.input('a', serde.string, serde.string).pipe('k', 'a', 2)
  assert.deepEqual(driver.output('out', serde.string, serde.string).readPairs(), [
    ['k', 'b'],
    ['k', 'a'],
  ])
})

test('a repartition topic is made at the next grouping after a new key, once, and not after new values (streams facts 2.26)', () => {
  const repartitions = (build: (stream: KStream<string, string>) => void) => {
    const builder = new StreamsBuilder()
    build(builder.stream('in', text))
    return builder
      .build()
      .subtopologies()
      .flatMap(({ sourceTopics }) => sourceTopics.filter(({ internal }) => internal).map(({ name }) => name))
  }
  const keys = (value: string) => value
  assert.deepEqual(
    repartitions(stream => void stream.mapValues(keys).groupByKey().count({ store: 's' })),
    [],
  )
  assert.deepEqual(
    repartitions(stream => void stream.selectKey(keys).mapValues(keys).to('out')),
    [],
  )
  assert.deepEqual(
    repartitions(stream => void stream.selectKey(keys).groupByKey().count({ store: 's' })),
    ['s-repartition'],
  )
  assert.deepEqual(
    repartitions(stream => void stream.repartition({ name: 'mine' }).groupByKey().count({ store: 's' })),
    ['mine-repartition'],
  )
})

test('a sink chooses topic and partition for every record', async () => {
  const builder = new StreamsBuilder()
  builder.stream('in', text).to(({ value }) => `out-${value}`, { partitionOf: () => 0 })
  const driver = new TopologyTestDriver(builder.build())
  for (const [key, value] of abc) await driver.input('in', serde.string, serde.string).pipe(key, value, 1)
  assert.deepEqual(driver.producedTopics, ['out-1', 'out-22', 'out-333'])
})

test('generated names that reach topics are refused where names must be explicit (KIP-1111)', () => {
  const builder = new StreamsBuilder()
  builder
    .stream('in', text)
    .groupBy(value => value)
    .count()
  assert.throws(
    () => builder.build({ explicitNames: true }),
    /KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition, KSTREAM-AGGREGATE-STATE-STORE-0000000002-changelog\. Name what makes them/,
  )
  const unlogged = new StreamsBuilder()
  unlogged
    .stream('in', text)
    .groupByKey()
    .count({ store: { logging: false } })
  assert.throws(
    () => unlogged.build({ explicitNames: true }),
    /stores have generated names: KSTREAM-AGGREGATE-STATE-STORE/,
  )
  const named = new StreamsBuilder()
  named
    .stream('in', text)
    .groupBy(value => value)
    .count({ store: 'counts' })
  assert.ok(named.build({ explicitNames: true }))
})

test('a record for which the extractor answers with a negative time is dropped and counted; others have the time it says (streams facts 2.36)', async () => {
  const builder = new StreamsBuilder()
  const partitionTimes: number[] = []
  builder
    .stream('in', {
      ...text,
      timestampOf({ value }, partitionTime) {
        partitionTimes.push(partitionTime)
        return Number(value)
      },
    })
    .to('out')
  const driver = new TopologyTestDriver(builder.build())
  const input = driver.input('in', serde.string, serde.string)
  for (const value of ['20', '-1', '10', '30']) await input.pipe('k', value, 5)
  const records = driver.output('out', serde.string, serde.string).read()
  assert.deepEqual(
    records.map(({ value, timestamp }) => [value, timestamp]),
    [
      ['20', 20],
      ['10', 10],
      ['30', 30],
    ],
  )
  assert.deepEqual(partitionTimes, [-1, 20, 20, 20])
  assert.equal(driver.droppedRecords, 1)
})

test('words are what JavaScript splits: an empty one at either end is there unless it is filtered (streams facts 2.53)', async () => {
  const line = [['k', ', hello!']] as const
  const words = (stream: KStream<string, string>) => stream.flatMapValues(value => value.split(/\W+/))
  const valuesOf = async (build: typeof words) => (await through(build, line)).map(([, value]) => value)
  assert.deepEqual(await valuesOf(words), ['', 'hello', ''])
  assert.deepEqual(await valuesOf(stream => words(stream).filter(word => word !== '')), ['hello'])
})

test('whole numbers are eight bytes, high byte first, below zero too; what a number cannot hold is refused (streams facts 2.53)', async () => {
  const builder = new StreamsBuilder()
  const readLong = { key: serde.string, value: serde.int64 }
  builder.stream('in', text).mapValues(Number).to('out', readLong)
  builder.stream('longs', readLong).mapValues(String).to('texts', text)
  const driver = new TopologyTestDriver(builder.build())
  const input = driver.input('in', serde.string, serde.string)
  const bytes = ['1', '-1', '-7', `${2 ** 40}`, `${Number.MAX_SAFE_INTEGER}`].map(async (value, i) => {
    await input.pipe('k', value, i)
  })
  await Promise.all(bytes)
  const written = driver.output('out', serde.string, serde.bytes).read()
  assert.deepEqual(
    written.map(({ value }) => Buffer.from(value!).toString('hex')),
    ['0000000000000001', 'ffffffffffffffff', 'fffffffffffffff9', '0000010000000000', '001fffffffffffff'],
  )
  await assert.rejects(input.pipe('k', `${2 ** 53}`, 9), /9007199254740992/)
  const longs = driver.input('longs', serde.string, serde.bytes)
  await assert.rejects(longs.pipe('k', Buffer.from('0020000000000001', 'hex'), 1), { code: 'DESERIALIZATION' })
})

test('callbacks that wait do not reorder the records of a task, however long each takes (streams facts 2.53)', async () => {
  const builder = new StreamsBuilder()
  builder
    .stream('in', text)
    .mapValues(value => (value === 'now' ? value : new Promise<string>(done => setTimeout(done, Number(value), value))))
    .flatMapValues(async function* (value) {
      yield value
      yield `${value}!`
    })
    .to('out', text)
  const driver = new TopologyTestDriver(builder.build())
  const input = driver.input('in', serde.string, serde.string)
  await Promise.all(['20', '1', 'now', '5'].map((value, i) => input.pipe('k', value, i)))
  assert.deepEqual(
    driver
      .output('out', serde.string, serde.string)
      .readPairs()
      .map(([, value]) => value),
    ['20', '20!', '1', '1!', 'now', 'now!', '5', '5!'],
  )
})

test('a time that is none is refused where it is answered, and does not become stream time', async () => {
  for (const time of [Number.NaN, 1.5, '5' as unknown as number]) {
    const builder = new StreamsBuilder()
    builder.stream('in', { key: serde.string, value: serde.string, timestampOf: () => time }).to('out')
    const input = new TopologyTestDriver(builder.build()).input('in', serde.string, serde.string)
    await assert.rejects(input.pipe('k', 'v'), /KSTREAM-SOURCE-0000000000.*the timestamp extractor answered/)
  }
})

test('a choice of a topic that answers none names the node', async () => {
  for (const chosen of [undefined, '']) {
    const builder = new StreamsBuilder()
    builder.stream('in', text).to(() => chosen as string)
    const input = new TopologyTestDriver(builder.build()).input('in', serde.string, serde.string)
    await assert.rejects(input.pipe('k', 'v'), /KSTREAM-SINK-0000000001.*the choice of a topic answered/)
  }
})
