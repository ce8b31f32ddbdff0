import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { joinWindow, type KStream, type KTable, StreamsBuilder, TopologyTestDriver } from '../index.ts'

const text = { key: serde.string, value: serde.string }
const pair = (left: string | null, right: string | null) => `${left ?? '-'}+${right ?? '-'}`

type Step = readonly [side: 'left' | 'right', key: string | null, value: string | null, timestamp: number]

/** What comes out after each record that goes in: `key value @timestamp`. */
async function outcomes(build: (builder: StreamsBuilder) => KStream<string, any>, steps: readonly Step[]) {
  const builder = new StreamsBuilder()
  build(builder).to('out', text)
  const driver = new TopologyTestDriver(builder.build())
  const inputs = {
    left: driver.input('left', serde.string, serde.string),
    right: driver.input('right', serde.string, serde.string),
  }
  const output = driver.output('out', serde.string, serde.string)
  const seen: string[][] = []
  for (const [side, key, value, timestamp] of steps) {
    await inputs[side].pipe(key, value, timestamp)
    seen.push(output.read().map(record => `${record.key} ${record.value} @${record.timestamp}`))
    await driver.advanceWallClock(1_000)
  }
  return { seen, driver }
}

const streams =
  (kind: 'join' | 'leftJoin' | 'outerJoin', window: Parameters<typeof joinWindow>[0]) =>
  (builder: StreamsBuilder): KStream<string, string> => {
    const left: any = builder.stream('left', text)
    return left[kind](builder.stream('right', text), pair, { window: joinWindow(window) })
  }

test('two streams meet within the window, whichever comes first, at the later time of both (streams facts 2.9)', async () => {
  const { seen } = await outcomes(streams('join', { within: 10, grace: 0 }), [
    ['left', 'a', '1', 0],
    ['right', 'a', 'x', 10],
    ['left', 'a', '2', 11],
    ['right', 'a', 'y', 21],
    ['right', 'b', 'z', 21],
  ])
  assert.deepEqual(seen, [[], ['a 1+x @10'], ['a 2+x @11'], ['a 2+y @21'], []])
})

test('before and after are seen from the left, both ends belong to the window, and records of one time are kept apart (streams facts 2.24)', async () => {
  const { seen } = await outcomes(streams('join', { before: 0, after: 5, grace: 100 }), [
    ['left', 'a', '1', 10],
    ['left', 'a', '2', 10],
    ['right', 'a', 'early', 9],
    ['right', 'a', 'same', 10],
    ['right', 'a', 'last', 15],
    ['right', 'a', 'late', 16],
  ])
  assert.deepEqual(seen, [[], [], [], ['a 1+same @10', 'a 2+same @10'], ['a 1+last @15', 'a 2+last @15'], []])
})

test('what finds nobody waits until its window and grace have passed, and is then told once (streams facts 2.22)', async () => {
  const { seen } = await outcomes(streams('leftJoin', { within: 10, grace: 5 }), [
    ['left', 'a', '1', 0],
    ['left', 'b', '2', 1],
    ['right', 'a', 'x', 10],
    ['left', 'c', '3', 15],
    ['left', 'c', '4', 17],
    ['right', 'c', 'y', 17],
  ])
  assert.deepEqual(seen, [[], [], ['a 1+x @10'], [], ['b 2+- @1'], ['c 3+y @17', 'c 4+y @17']])
})

test('of one time, what the right has left over comes before the left (streams facts 2.23)', async () => {
  const { seen } = await outcomes(streams('outerJoin', { within: 5, grace: 0 }), [
    ['left', 'a', '1', 10],
    ['right', 'b', 'x', 10],
    ['left', 'c', '2', 9],
    ['right', 'z', 'end', 30],
  ])
  assert.deepEqual(seen, [[], [], [], ['c 2+- @9', 'b -+x @10', 'a 1+- @10']])
})

test('a late record whose window has passed is told at once; one that can still be met waits (streams facts 2.22)', async () => {
  const { seen } = await outcomes(streams('leftJoin', { within: 5, grace: 100 }), [
    ['left', 'a', 'now', 50],
    ['left', 'a', 'old', 10],
    ['left', 'a', 'young', 46],
    ['right', 'a', 'x', 50],
  ])
  assert.deepEqual(seen, [[], ['a old+- @10'], [], ['a young+x @50', 'a now+x @50']])
})

test('null values never join; without a key an outer side is told alone, and others are dropped (streams facts 2.25)', async () => {
  const steps: Step[] = [
    ['left', null, '1', 0],
    ['right', null, 'x', 1],
    ['left', 'a', null, 2],
  ]
  const inner = await outcomes(streams('join', { within: 5, grace: 0 }), steps)
  assert.deepEqual(inner.seen, [[], [], []])
  assert.equal(inner.driver.droppedRecords, 3)
  const left = await outcomes(streams('leftJoin', { within: 5, grace: 0 }), steps)
  assert.deepEqual(left.seen, [['null 1+- @0'], [], []])
  const outer = await outcomes(streams('outerJoin', { within: 5, grace: 0 }), steps)
  assert.deepEqual(outer.seen, [['null 1+- @0'], ['null -+x @1'], []])
})

test('a repartition keeps records without a key only above a join that takes them (streams facts 2.25)', async () => {
  const resultsOf = async (kind: 'join' | 'leftJoin') => {
    const builder = new StreamsBuilder()
    const keyed: any = builder.stream('left', text).selectKey(() => null, { key: serde.string as never })
    keyed[kind](builder.table('right', text), pair).to('out', text)
    const driver = new TopologyTestDriver(builder.build())
    await driver.input('left', serde.string, serde.string).pipe('a', '1', 0)
    const output = driver.output('out', serde.string, serde.string)
    return [driver.droppedRecords, output.readPairs()]
  }
  assert.deepEqual(await resultsOf('leftJoin'), [0, [[null, '1+-']]])
  assert.deepEqual(await resultsOf('join'), [0, []])
})

const lookups =
  (kind: 'join' | 'leftJoin', rows: { historyRetentionMs?: number } = {}, options = {}) =>
  (builder: StreamsBuilder): KStream<string, string> => {
    const left: any = builder.stream('left', text)
    return left[kind](builder.table('right', { ...text, store: { name: 'rows', ...rows } }), pair, options)
  }

test('a record meets the row of its key as it is now, at its own time (streams facts 2.9)', async () => {
  const steps: Step[] = [
    ['left', 'a', '1', 5],
    ['right', 'a', 'x', 20],
    ['left', 'a', '2', 6],
    ['right', 'a', null, 30],
    ['left', 'a', '3', 7],
    ['left', null, '4', 8],
    ['left', 'a', null, 9],
  ]
  assert.deepEqual((await outcomes(lookups('join'), steps)).seen, [[], [], ['a 2+x @6'], [], [], [], []])
  const left = await outcomes(lookups('leftJoin'), steps)
  assert.deepEqual(left.seen, [['a 1+- @5'], [], ['a 2+x @6'], [], ['a 3+- @7'], ['null 4+- @8'], []])
})

test('with a history, a record meets the row of its own time (streams facts 2.12)', async () => {
  const { seen } = await outcomes(lookups('leftJoin', { historyRetentionMs: 100 }), [
    ['right', 'a', 'x', 10],
    ['right', 'a', 'y', 20],
    ['left', 'a', '1', 15],
    ['left', 'a', '2', 25],
    ['left', 'a', '3', 5],
  ])
  assert.deepEqual(seen, [[], [], ['a 1+x @15'], ['a 2+y @25'], ['a 3+- @5']])
})

test('with a grace period records wait by time for rows that come late, and late records do not wait (streams facts 2.45)', async () => {
  const { seen } = await outcomes(lookups('leftJoin', { historyRetentionMs: 100 }, { grace: 10 }), [
    ['left', 'a', '1', 10],
    ['right', 'a', 'x', 8],
    ['left', 'a', '2', 15],
    ['left', 'a', '3', 20],
    ['left', 'a', 'late', 5],
    ['left', 'a', '4', 40],
  ])
  assert.deepEqual(seen, [[], [], [], ['a 1+x @10'], ['a late+- @5'], ['a 2+x @15', 'a 3+x @20']])
})

test('a grace period needs a history, and one that is long enough (streams facts 2.45)', async () => {
  await assert.rejects(outcomes(lookups('join', {}, { grace: 10 }), []), /its table has no history/)
  await assert.rejects(
    outcomes(lookups('join', { historyRetentionMs: 9 }, { grace: 10 }), []),
    /grace period of 10 ms and its table keeps a history of 9/,
  )
})

const tables =
  (kind: 'join' | 'leftJoin' | 'outerJoin', rows: { historyRetentionMs?: number } = {}, options = {}) =>
  (builder: StreamsBuilder): KStream<string, string | null> => {
    const left: any = builder.table('left', { ...text, store: { name: 'l', ...rows } })
    const right = builder.table('right', { ...text, store: { name: 'r', ...rows } })
    return left[kind](right, pair, { value: serde.string, ...options }).toStream()
  }

const rowSteps: Step[] = [
  ['left', 'a', '1', 5],
  ['right', 'a', 'x', 20],
  ['left', 'a', '2', 10],
  ['right', 'a', null, 15],
  ['left', 'a', null, 16],
  ['right', 'a', 'y', 17],
]

test('rows of two tables meet, at the later time of both; a deletion may so be newer than what deletes (streams facts 2.10)', async () => {
  const kept = { store: 'joined' }
  for (const options of [{}, kept]) {
    const inner = await outcomes(tables('join', {}, options), rowSteps)
    assert.deepEqual(inner.seen, [[], ['a 1+x @20'], ['a 2+x @20'], ['a null @15'], [], []])
    const left = await outcomes(tables('leftJoin', {}, options), rowSteps)
    assert.deepEqual(left.seen, [['a 1+- @5'], ['a 1+x @20'], ['a 2+x @20'], ['a 2+- @15'], ['a null @16'], []])
    const outer = await outcomes(tables('outerJoin', {}, options), rowSteps)
    assert.deepEqual(outer.seen, [
      ['a 1+- @5'],
      ['a 1+x @20'],
      ['a 2+x @20'],
      ['a 2+- @15'],
      ['a null @16'],
      ['a -+y @17'],
    ])
  }
})

test('tables with a history pass over what is not their latest (streams facts 2.12)', async () => {
  const { seen } = await outcomes(tables('join', { historyRetentionMs: 100 }), [
    ['left', 'a', 'new', 10],
    ['right', 'a', 'x', 10],
    ['left', 'a', 'old', 5],
  ])
  assert.deepEqual(seen, [[], ['a new+x @10'], []])
})

test('a joined table is read without being kept, through mappings too (streams facts 2.16)', async () => {
  const builder = new StreamsBuilder()
  const left: KTable<string, string> = builder.table('left', text)
  const joined = left.join(builder.table('right', text), pair).mapValues(value => `<${value}>`)
  builder
    .stream('asks', text)
    .leftJoin(joined, (ask, row) => `${ask} ${row}`)
    .to('out', text)
  const driver = new TopologyTestDriver(builder.build())
  await driver.input('left', serde.string, serde.string).pipe('a', '1', 1)
  await driver.input('asks', serde.string, serde.string).pipe('a', 'q', 2)
  await driver.input('right', serde.string, serde.string).pipe('a', 'x', 3)
  await driver.input('asks', serde.string, serde.string).pipe('a', 'q', 4)
  assert.deepEqual(driver.output('out', serde.string, serde.string).readPairs(), [
    ['a', 'q null'],
    ['a', 'q <1+x>'],
  ])
})

test('what is joined must be as wide as each other: the topology says of which sources (streams facts 2.27)', () => {
  const builder = new StreamsBuilder()
  const left: KStream<string, string> = builder.stream('left', { ...text, name: 'l' })
  left.join(builder.table('right', { ...text, name: 'r' }), pair).to('out', text)
  assert.deepEqual(builder.build().copartitions, [['l', 'r-source']])
})
