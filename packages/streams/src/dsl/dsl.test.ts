import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde, UsageError } from '@odradek/client'
import {
  type KStream,
  type KTable,
  StreamsBuilder,
  StreamsError,
  session,
  TopologyTestDriver,
  tumbling,
} from '../index.ts'

/** Fails to compile unless the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never
const same = <A, B>(_: Same<A, B>) => {}

interface Play {
  song: number
  ms: number
}

test('types follow the values through the chain', () => {
  const builder = new StreamsBuilder()
  const plays = builder.stream('plays', { key: serde.string, value: serde.json<Play>() })
  same<typeof plays, KStream<string, Play>>(true)
  const songs = plays.flatMapValues(play => (play.ms > 30_000 ? [play.song] : []), { value: serde.int32 })
  same<typeof songs, KStream<string, number>>(true)
  const bySong = songs.groupBy(song => song, { key: serde.int32 }).count({ store: 'plays-by-song' })
  same<typeof bySong, KTable<number, number>>(true)
  const asyncKeys = songs.groupBy(async (song, region) => `${region}/${song}`, { key: serde.string }).count()
  same<typeof asyncKeys, KTable<string, number>>(true)
  const raw = builder.stream('raw')
  same<typeof raw, KStream<Uint8Array | null, Uint8Array | null>>(true)
  // @ts-expect-error a count is a number
  bySong.toStream().to('out', { value: serde.string })
  assert.equal(builder.build().subtopologies().length, 4)
})

test('callbacks that wait keep the order of the records, and sit beside those that do not', async () => {
  const builder = new StreamsBuilder()
  const resolvers: (() => void)[] = []
  builder
    .stream('in', { key: serde.string, value: serde.string })
    .flatMapValues(line =>
      line === 'slow'
        ? new Promise<string[]>(resolve => resolvers.push(() => resolve(['slow', 'er'])))
        : line.split(' '),
    )
    .groupBy(word => (word === 'slow' ? Promise.resolve(word) : word), { key: serde.string, value: serde.string })
    .count()
    .toStream()
    .to('out', { value: serde.int64 })
  const driver = new TopologyTestDriver(builder.build())
  const input = driver.input('in', serde.string, serde.string)
  const piped = [input.pipe(null, 'slow', 1), input.pipe(null, 'a b', 2), input.pipe(null, 'c', 3)]
  await Promise.resolve()
  assert.equal(resolvers.length, 1)
  resolvers[0]!()
  await Promise.all(piped)
  assert.deepEqual(driver.output('out', serde.string, serde.int64).readPairs(), [
    ['slow', 1],
    ['er', 1],
    ['a', 1],
    ['b', 1],
    ['c', 1],
  ])
})

test('a record whose new key is null belongs to no group; one without a value counts nothing', async () => {
  const builder = new StreamsBuilder()
  builder
    .stream('in', { key: serde.string, value: serde.string })
    .groupBy((value, key) => (value === 'skip' ? null : key), { key: serde.string as never, value: serde.string })
    .count()
    .toStream()
    .to('out')
  const driver = new TopologyTestDriver(builder.build())
  const input = driver.input('in', serde.string, serde.string)
  await input.pipe('a', 'skip', 1)
  await input.pipe('b', null, 2)
  await input.pipe('c', 'counts', 3)
  assert.deepEqual(driver.output('out', serde.string, serde.int64).readPairs(), [['c', 1]])
})

test('what has no serde is told which one to add', async () => {
  const builder = new StreamsBuilder()
  builder
    .stream('in')
    .flatMapValues(value => [value!.length])
    .to('out')
  const driver = new TopologyTestDriver(builder.build())
  await assert.rejects(driver.input('in', serde.string, serde.string).pipe(null, 'four', 1), (error: StreamsError) => {
    assert.ok(error instanceof StreamsError && error.cause instanceof UsageError)
    assert.match(error.message, /a value of topic 'out' is a number and no serde says how to write it: add one/)
    return true
  })
})

test('a topology refuses two nodes of one name and parents that are not there', () => {
  const builder = new StreamsBuilder()
  const lines = builder.stream('in', { name: 'lines' })
  assert.throws(() => lines.to('out', { name: 'lines' }), /Two nodes are named 'lines'/)
  const add = (parents: string[]) =>
    builder.build().add({ kind: 'processor', name: 'p', parents, make: () => ({ process: () => {} }) })
  assert.throws(() => add(['nobody']), /'p' names 'nobody' as its parent, and there is no such node/)
  lines.to('out', { name: 'sink' })
  assert.throws(() => add(['sink']), /a sink has no children/)
})

test('a topic is read once and a store made once: what would be mixed up is refused', () => {
  const builder = new StreamsBuilder()
  const lines = builder.stream('in')
  lines.groupBy(value => value, { name: 'once' }).count({ store: 'counts' })
  builder.build()
  lines.groupBy(value => value, { name: 'twice' }).count({ store: 'counts' })
  assert.throws(() => builder.build(), /There are two stores 'counts'. Give one of them another name/)
  const twice = new StreamsBuilder()
  twice.stream('in')
  twice.stream(['other', 'in'])
  assert.throws(
    () => twice.build(),
    /'KSTREAM-SOURCE-0000000000' reads topic 'in' already. Keep its stream in a variable/,
  )
})

test('what is of another builder is refused: its records would never come', () => {
  const texts = { key: serde.string, value: serde.string }
  const mine = new StreamsBuilder().stream('mine', texts)
  const other = new StreamsBuilder()
  assert.throws(
    () => mine.merge(other.stream('theirs', texts)),
    /'KSTREAM-SOURCE-0000000000' of another StreamsBuilder/,
  )
  assert.throws(() => mine.toTable().join(other.table('rows', texts), row => row), /of another StreamsBuilder/)
})

test('a stream of no topics, and a repartition into none, are refused', () => {
  const builder = new StreamsBuilder()
  assert.throws(() => builder.stream([]), /reads no topic/)
  for (const partitions of [0, -1, 1.5])
    assert.throws(() => builder.stream('in').repartition({ partitions }), /`partitions` of a repartition is/)
})

test('an emit strategy or a grace that is none is refused, where types are not checked', () => {
  const grouped = new StreamsBuilder().stream('in').groupByKey()
  const wrong = 'on window close' as 'on-window-close'
  assert.throws(
    () =>
      grouped
        .windowedBy(tumbling({ size: 1, grace: 0 }))
        .emitStrategy(wrong)
        .count(),
    /The emit strategy is 'on window close'/,
  )
  assert.throws(
    () =>
      grouped
        .windowedBy(session({ gap: 1, grace: 0 }))
        .emitStrategy(wrong)
        .count(),
    /The emit strategy is 'on window close'/,
  )
  const noGrace = { size: 10 } as { size: number; grace: number }
  assert.throws(
    () => tumbling(noGrace),
    (error: UsageError) => error instanceof UsageError && error.message.startsWith('`grace` is undefined'),
  )
})
