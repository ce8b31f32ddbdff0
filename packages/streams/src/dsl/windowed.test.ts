import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import {
  type EmitStrategy,
  hopping,
  type SessionWindows,
  StreamsBuilder,
  session,
  sliding,
  type TimeWindows,
  TopologyTestDriver,
  tumbling,
  type WindowStore,
} from '../index.ts'
import { answers, texts } from '../testing/answers.ts'

const grouped = (builder: StreamsBuilder) => builder.stream('in', texts).groupByKey()
const counts = (windows: TimeWindows) => (builder: StreamsBuilder) => grouped(builder).windowedBy(windows).count()
const sessionCounts = (windows: SessionWindows) => (builder: StreamsBuilder) =>
  grouped(builder).windowedBy(windows).count()
const joined = (windows: TimeWindows) => (builder: StreamsBuilder) =>
  grouped(builder)
    .windowedBy(windows)
    .reduce((one, other) => one + other)

test('stream time is what an operator itself has seen: what a filter above took away does not move it (streams facts 2.1)', async () => {
  const { told, driver } = await answers(
    builder =>
      builder
        .stream('in', texts)
        .filter(value => value !== 'late')
        .groupByKey()
        .windowedBy(tumbling({ size: 10, grace: 0 }))
        .count(),
    [
      ['a', '1', 0],
      ['a', 'late', 100],
      ['a', '2', 1],
    ],
  )
  assert.deepEqual(told, [['a[0,10] 1 @0'], [], ['a[0,10] 2 @1']])
  assert.equal(driver.droppedRecords, 0)
})

test('a record counts in those of its windows that end after stream time less grace (streams facts 2.2)', async () => {
  const { told, driver } = await answers(counts(hopping({ size: 10, advance: 5, grace: 2 })), [
    ['a', '1', 16],
    ['a', '2', 7],
    ['a', '3', 17],
    ['a', '4', 7],
  ])
  assert.deepEqual(told, [
    ['a[10,20] 1 @16', 'a[15,25] 1 @16'],
    ['a[5,15] 1 @7'],
    ['a[10,20] 2 @17', 'a[15,25] 2 @17'],
    [],
  ])
  assert.equal(driver.droppedRecords, 3) // [0, 10) twice, [5, 15) once
})

test('sliding windows and sessions close a millisecond later: their ends count in (streams facts 2.3)', async () => {
  const slide = await answers(counts(sliding({ difference: 5, grace: 3 })), [
    ['x', '', 20],
    ['a', '1', 17],
    ['a', '2', 16],
    ['x', '', 27],
    ['a', '3', 16],
  ])
  assert.deepEqual(slide.told.slice(1, 3), [['a[12,17] 1 @17'], ['a[12,17] 2 @17', 'a[17,22] 1 @17']])
  assert.deepEqual(slide.told[4], [])
  const sessions = await answers(sessionCounts(session({ gap: 5, grace: 3 })), [
    ['x', '', 20],
    ['a', '1', 12],
    ['b', '1', 11],
  ])
  assert.deepEqual(sessions.told, [['x[20,20] 1 @20'], ['a[12,12] 1 @12'], []])
  assert.equal(sessions.driver.droppedRecords, 1)
})

test('time moves before a record is judged, by whatever key, but not by a record that has no value to add (streams facts 2.4)', async () => {
  const { told, driver } = await answers(counts(sliding({ difference: 5, grace: 0 })), [
    ['a', '1', 10],
    ['b', '1', 30],
    ['a', '2', 12],
    ['b', null, 50],
    ['a', '3', 32],
  ])
  assert.deepEqual(told, [['a[5,10] 1 @10'], ['b[25,30] 1 @30'], [], [], ['a[27,32] 1 @32']])
  assert.equal(driver.droppedRecords, 2)
})

test('hopping windows begin at multiples of the advance, and none before the epoch (streams facts 2.5)', async () => {
  const { told } = await answers(counts(hopping({ size: 10, advance: 4, grace: 0 })), [
    ['a', '1', 3],
    ['a', '2', 9],
  ])
  assert.deepEqual(told, [['a[0,10] 1 @3'], ['a[0,10] 2 @9', 'a[4,14] 1 @9', 'a[8,18] 1 @9']])
})

test('sliding windows end with a record or begin after one, and only those that hold something are made (streams facts 2.6)', async () => {
  const { told } = await answers(joined(sliding({ difference: 10, grace: 50 })), [
    ['a', 'b', 20],
    ['a', 'd', 25],
    ['a', 'c', 22],
    ['a', 'a', 4],
  ])
  assert.deepEqual(told, [
    ['a[10,20] b @20'],
    ['a[21,31] d @25', 'a[15,25] bd @25'],
    ['a[21,31] dc @25', 'a[15,25] bdc @25', 'a[12,22] bc @22', 'a[23,33] d @25'],
    ['a[0,10] a @4'],
  ])
})

test('sessions that a record joins are told of as deleted, one by one, before the one they make (streams facts 2.7)', async () => {
  const { told } = await answers(sessionCounts(session({ gap: 5, grace: 20 })), [
    ['a', '1', 10],
    ['a', '2', 18],
    ['a', '3', 14],
  ])
  assert.deepEqual(told, [
    ['a[10,10] 1 @10'],
    ['a[18,18] 1 @18'],
    ['a[10,10] null @10', 'a[18,18] null @18', 'a[10,18] 3 @18'],
  ])
})

test('a window is as old as its latest record, a session as its end (streams facts 2.8)', async () => {
  const windows = await answers(counts(tumbling({ size: 10, grace: 0 })), [
    ['a', '1', 8],
    ['a', '2', 3],
  ])
  assert.deepEqual(windows.told, [['a[0,10] 1 @8'], ['a[0,10] 2 @8']])
  const sessions = await answers(sessionCounts(session({ gap: 5, grace: 20 })), [
    ['a', '1', 8],
    ['a', '2', 3],
  ])
  assert.deepEqual(sessions.told[1], ['a[8,8] null @8', 'a[3,8] 2 @8'])
})

async function onClose(emit: EmitStrategy, waits: readonly number[]) {
  const builder = new StreamsBuilder()
  builder
    .stream('in', texts)
    .groupByKey()
    .windowedBy(tumbling({ size: 10, grace: 0 }))
    .emitStrategy(emit)
    .count({ store: { name: 'windows', retentionMs: 1_000 } })
    .toStream()
    .to('out')
  const driver = new TopologyTestDriver(builder.build())
  const input = driver.input('in', serde.string, serde.string)
  const records = [
    ['b', 1],
    ['a', 2],
    ['a', 12],
    ['c', 25],
  ] as const
  for (const [at, [key, time]] of records.entries()) {
    await driver.advanceWallClock(waits[at] ?? 0)
    await input.pipe(key, '', time, [['from', Buffer.from(String(time))]])
  }
  return driver.output('out', serde.bytes, serde.int64).read()
}

test('results on close come by window and key, with the headers of the record that closed them (streams facts 2.20)', async () => {
  const results = await onClose('on-window-close', [])
  assert.deepEqual(
    results.map(({ key, value, timestamp, headers }) => [
      Buffer.from(key!).toString('latin1', 0, 1),
      Number(Buffer.from(key!).readBigInt64BE(1)),
      value,
      timestamp,
      String(headers[0]![1]),
    ]),
    [
      ['a', 0, 1, 2, '12'],
      ['b', 0, 1, 1, '12'],
      ['a', 10, 1, 12, '25'],
    ],
  )
})

test('a store keeps windows for their size and grace, and shows none that is older (streams facts 2.46)', async () => {
  const { driver } = await answers(
    builder =>
      grouped(builder)
        .windowedBy(tumbling({ size: 10, grace: 5 }))
        .count({ store: 'windows' }),
    [
      ['a', '1', 3],
      ['a', '2', 13],
      ['a', '3', 20],
    ],
  )
  const windows = driver.store<WindowStore<string, number>>('windows')
  assert.deepEqual([windows.windowSizeMs, windows.retentionMs], [10, 15])
  assert.equal(windows.fetch('a', 0), undefined)
  assert.deepEqual(windows.fetch('a', 10), { value: 1, timestamp: 13 })
})

test('callbacks that wait are waited for, window by window, session by session', async () => {
  const later = async (one: string, other: string) => one + other
  const windows = await answers(
    builder =>
      grouped(builder)
        .windowedBy(hopping({ size: 10, advance: 5, grace: 10 }))
        .aggregate(async () => '', later, { value: serde.string }),
    [
      ['a', '1', 6],
      ['a', '2', 7],
    ],
  )
  assert.deepEqual(windows.told[1], ['a[0,10] 12 @7', 'a[5,15] 12 @7'])
  const sessions = await answers(
    builder =>
      grouped(builder)
        .windowedBy(session({ gap: 5, grace: 20 }))
        .aggregate(async () => '', later, later, { value: serde.string }),
    [
      ['a', '1', 10],
      ['a', '2', 18],
      ['a', '3', 14],
    ],
  )
  assert.deepEqual(sessions.told[2], ['a[10,10] null @10', 'a[18,18] null @18', 'a[10,18] 123 @18'])
  const slide = await answers(
    builder =>
      grouped(builder)
        .windowedBy(sliding({ difference: 10, grace: 20 }))
        .reduce(later),
    [
      ['a', '1', 20],
      ['a', '2', 25],
    ],
  )
  assert.deepEqual(slide.told[1], ['a[21,31] 2 @25', 'a[15,25] 12 @25'])
})

test('an aggregate that a callback changes in place counts all the same', async () => {
  const push = (all: string[], value: string) => {
    all.push(value)
    return all
  }
  const { told } = await answers(
    builder =>
      grouped(builder)
        .windowedBy(sliding({ difference: 10, grace: 50 }))
        .aggregate(() => [] as string[], push, { value: serde.json<string[]>() }),
    [
      ['a', 'b', 20],
      ['a', 'd', 25],
      ['a', 'c', 22],
    ],
  )
  assert.deepEqual(told[2], ['a[21,31] d,c @25', 'a[15,25] b,d,c @25', 'a[12,22] b,c @22', 'a[23,33] d @25'])
})
