import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import {
  type KTable,
  StreamsBuilder,
  StreamsError,
  TopologyTestDriver,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
} from '../index.ts'
import type { SuppressBuffer } from '../processors/suppress-buffer.ts'
import { answers, texts } from '../testing/answers.ts'

const table = (builder: StreamsBuilder) => builder.table('in', texts)

test('a key waits from its first change on, and goes out with the time of its last (streams facts 2.38)', async () => {
  const { told } = await answers(
    builder => table(builder).suppress(untilTimeLimit(10)),
    [
      ['a', '1', 0],
      ['a', '2', 8],
      ['b', '1', 9],
      ['b', null, 10],
      ['c', '1', 20],
    ],
  )
  assert.deepEqual(told, [[], [], [], ['a 2 @8'], ['b null @10']])
})

test('a window goes out once, when its end and grace have passed (streams facts 2.38)', async () => {
  const { told } = await answers(
    builder =>
      builder
        .stream('in', texts)
        .groupByKey()
        .windowedBy(tumbling({ size: 10, grace: 5 }))
        .count()
        .suppress(untilWindowCloses()),
    [
      ['b', '', 1],
      ['a', '', 3],
      ['a', '', 12],
      ['a', '', 9],
      ['c', '', 15],
    ],
  )
  assert.deepEqual(told, [[], [], [], [], ['a[0,10] 2 @9', 'b[0,10] 1 @1']])
})

test('what is held back keeps its headers', async () => {
  const builder = new StreamsBuilder()
  table(builder).suppress(untilTimeLimit(5)).toStream().to('out')
  const driver = new TopologyTestDriver(builder.build())
  const input = driver.input('in', serde.string, serde.string)
  await input.pipe('a', '1', 0, [['trace', Buffer.from('x')]])
  await input.pipe('b', '1', 7)
  assert.deepEqual(driver.output('out', serde.string, serde.string).readOne()?.headers, [['trace', Buffer.from('x')]])
})

test('those below see what went out last, not what is held back (streams facts 2.39)', async () => {
  const { told } = await answers(
    builder =>
      table(builder)
        .suppress(untilTimeLimit(10))
        .groupBy(value => ['all', value], texts)
        .reduce(
          (all, value) => `${all}+${value}`,
          (all, value) => `${all}-${value}`,
        ),
    [
      ['a', '1', 0],
      ['x', null, 10],
      ['a', '2', 11],
      ['a', '3', 12],
      ['x', null, 21],
    ],
  )
  assert.deepEqual(told, [[], ['all 1 @0'], [], [], ['all 1-1+3 @12']])
})

const suppressed =
  (limits: Parameters<typeof untilTimeLimit>[1]) =>
  (builder: StreamsBuilder): KTable<string, string> =>
    table(builder).suppress(untilTimeLimit(1_000, limits))

test('a full buffer lets go of what waits longest, or ends the application', async () => {
  const records = [
    ['b', '1', 0],
    ['a', '1', 0],
    ['b', '2', 3],
    ['c', '1', 4],
    ['d', '1', 5],
  ] as const
  const early = await answers(suppressed({ maxRecords: 2 }), records)
  assert.deepEqual(early.told, [[], [], [], ['a 1 @0'], ['b 2 @3']])
  const bytes = await answers(suppressed({ maxBytes: 70 }), records)
  assert.deepEqual(bytes.told, [[], [], [], ['a 1 @0'], ['b 2 @3']])
  await assert.rejects(
    answers(suppressed({ maxRecords: 2, whenFull: 'shut-down' }), records),
    (error: StreamsError) => {
      assert.ok(error instanceof StreamsError)
      assert.match(error.message, /buffer 'KTABLE-SUPPRESS-.*' of a suppress is full: 3 of 2 records/)
      return true
    },
  )
})

test('what is held back survives in the changelog', async () => {
  const program = (builder: StreamsBuilder) => table(builder).suppress(untilTimeLimit(10), { name: 'held' })
  const { driver } = await answers(program, [
    ['a', '1', 0],
    ['c', '1', 2],
    ['b', '1', 1],
    ['a', '2', 8],
    ['d', '1', 10],
  ])
  const changelog = driver.output('test-held-store-changelog', serde.bytes, serde.bytes).read()
  const builder = new StreamsBuilder()
  program(builder).toStream().to('out')
  const next = new TopologyTestDriver(builder.build())
  const buffer = next.store<SuppressBuffer<string, string>>('held-store')
  for (const { key, value } of changelog) buffer.restore(key!, value)
  assert.equal(buffer.size, 3)
  await next.input('in', serde.string, serde.string).pipe('x', '1', 12)
  assert.deepEqual(
    next
      .output('out', serde.string, serde.string)
      .read()
      .map(({ key, value, timestamp }) => `${key} ${value} @${timestamp}`),
    ['b 1 @1', 'c 1 @2'],
  )
  assert.equal(buffer.bytes, 2 * 34)
})
