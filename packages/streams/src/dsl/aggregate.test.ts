import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import {
  type KGroupedTable,
  type KTable,
  StreamsBuilder,
  session,
  TopologyTestDriver,
  type Windowed,
} from '../index.ts'
import { answers, texts } from '../testing/answers.ts'

/** Fails to compile unless the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never
const same = <A, B>(_: Same<A, B>) => {}

const add = (one: string, other: string) => one + other
const subtract = (one: string, other: string) => `${one}-${other}`
const stored = { value: serde.string }

test('an aggregate is as old as the latest record it rests on (streams facts 2.9)', async () => {
  const { told } = await answers(
    builder => builder.stream('in', texts).groupByKey().reduce(add),
    [
      ['a', '1', 10],
      ['a', '2', 5],
      ['a', '3', 12],
    ],
  )
  assert.deepEqual(told, [['a 1 @10'], ['a 12 @10'], ['a 123 @12']])
})

test('a callback that answers null removes the key, which begins anew with its next record', async () => {
  const { told, driver } = await answers(
    builder =>
      builder
        .stream('in', texts)
        .groupByKey()
        .aggregate(
          () => '',
          (all, value) => (value === 'end' ? null : all + value),
          { ...stored, store: 'texts' },
        ),
    [
      ['a', '1', 1],
      ['a', 'end', 2],
      ['a', '2', 3],
    ],
  )
  assert.deepEqual(told, [['a 1 @1'], ['a null @2'], ['a 2 @3']])
  assert.equal(driver.keyValueStore('texts').size, 1)
})

/** What goes to the repartition topic, and what comes of it. */
async function regrouped(rows: readonly (readonly [key: string, value: string | null])[]) {
  const builder = new StreamsBuilder()
  builder
    .table('in', texts)
    .groupBy((value, key) => (value === 'skip' ? null : [value[0]!, key]), { ...texts, name: 'g' })
    .aggregate(() => '', add, subtract, { ...stored, store: 'groups' })
    .toStream()
    .to('out')
  const driver = new TopologyTestDriver(builder.build(), { applicationId: 'app' })
  const input = driver.input('in', serde.string, serde.string)
  for (const [at, [key, value]] of rows.entries()) await input.pipe(key, value, at)
  const sent = driver.output('app-g-repartition', serde.string, serde.bytes).read()
  return {
    sent: sent.map(({ key, value }) => `${key} ${Buffer.from(value!).toString('hex')}`),
    told: driver.output('out', serde.string, serde.string).readPairs(),
  }
}

test('a row that moves is taken from one group before it is added to the other; within a group one record does both (streams facts 2.13)', async () => {
  const { sent, told } = await regrouped([
    ['k', 'x1'],
    ['k', 'x2'],
    ['k', 'y1'],
    ['k', null],
  ])
  assert.deepEqual(sent, ['x 6b01', 'x 026b6b02', 'x 6b00', 'y 6b01', 'y 6b00'])
  assert.deepEqual(told, [
    ['x', 'k'],
    ['x', 'k-kk'],
    ['x', 'k-kk-k'],
    ['y', 'k'],
    ['y', 'k-k'],
  ])
})

test('a row that belongs to no group is left out, its other half is not (streams facts 2.14)', async () => {
  const { sent } = await regrouped([
    ['k', 'skip'],
    ['k', 'x1'],
    ['k', 'skip'],
    ['l', null],
  ])
  assert.deepEqual(sent, ['x 6b01', 'x 6b00'])
})

test('groups by keys that are objects know equal ones by their bytes', async () => {
  const builder = new StreamsBuilder()
  builder
    .table('in', texts)
    .groupBy(async value => [{ first: value[0] }, value] as const, {
      key: serde.json(),
      value: serde.string,
      name: 'g',
    })
    .count()
  const driver = new TopologyTestDriver(builder.build(), { applicationId: 'app' })
  const input = driver.input('in', serde.string, serde.string)
  await input.pipe('k', 'x1', 1)
  await input.pipe('k', 'x2', 2)
  assert.equal(driver.output('app-g-repartition', serde.bytes, serde.bytes).size, 2)
})

test('a new window or a first count takes nothing from a group below it, since nothing was there', async () => {
  const { told } = await answers(
    builder =>
      builder
        .stream('in', texts)
        .groupByKey()
        .aggregate(() => '', add, stored)
        .groupBy(value => ['all', value], texts)
        .aggregate(() => '', add, subtract, stored),
    [
      ['a', '1', 1],
      ['b', '2', 2],
      ['a', '3', 3],
    ],
  )
  assert.deepEqual(told, [['all 1 @1'], ['all 12 @2'], ['all 12-113 @3']])
})

test('groups count rows, and reduce them', async () => {
  const counts = await answers(
    builder =>
      builder
        .table('in', texts)
        .groupBy(value => [value, value], texts)
        .count(),
    [
      ['a', 'x', 1],
      ['b', 'x', 2],
      ['a', 'y', 1],
      ['b', null, 5],
    ],
  )
  assert.deepEqual(counts.told, [['x 1 @1'], ['x 2 @2'], ['x 1 @2', 'y 1 @1'], ['x 0 @5']])
})

test('several streams make one aggregate, in the order of their records', async () => {
  const builder = new StreamsBuilder()
  const [plays, likes] = ['plays', 'likes'].map(topic => builder.stream(topic, texts).groupByKey())
  plays!
    .cogroup<string>((all, value) => `${all}p${value}`)
    .cogroup(likes!, (all, value) => `${all}l${value}`)
    .aggregate(() => '', stored)
    .toStream()
    .to('out')
  const driver = new TopologyTestDriver(builder.build())
  await driver.input('plays', serde.string, serde.string).pipe('a', '1', 5)
  await driver.input('likes', serde.string, serde.string).pipe('a', '2', 3)
  await driver.input('plays', serde.string, serde.string).pipe('a', '3', 7)
  const told = driver.output('out', serde.string, serde.string).read()
  assert.deepEqual(
    told.map(({ value, timestamp }) => [value, timestamp]),
    [
      ['p1', 5],
      ['p1l2', 5],
      ['p1l2p3', 7],
    ],
  )
})

test('sessions of several streams are merged', async () => {
  const builder = new StreamsBuilder()
  const [one, other] = ['one', 'other'].map(topic => builder.stream(topic, texts).groupByKey())
  const sessions = one!
    .cogroup<string>(add)
    .cogroup(other!, add)
    .windowedBy(session({ gap: 5, grace: 20 }))
    .aggregate(() => '', add, stored)
  same<typeof sessions, KTable<Windowed<string>, string>>(true)
  sessions.toStream().to('out')
  const driver = new TopologyTestDriver(builder.build())
  await driver.input('one', serde.string, serde.string).pipe('a', '1', 10)
  await driver.input('other', serde.string, serde.string).pipe('a', '2', 14)
  assert.deepEqual(
    driver
      .output('out', serde.bytes, serde.string)
      .read()
      .map(({ value }) => value),
    ['1', null, '12'],
  )
})

test('types follow values through groupings and aggregates', () => {
  const builder = new StreamsBuilder()
  const grouped = builder.stream('in', texts).groupByKey()
  const lengths = grouped.aggregate(
    () => 0,
    (sum, value) => sum + value.length,
  )
  same<typeof lengths, KTable<string, number>>(true)
  const late = grouped.aggregate(
    async () => new Map<string, number>(),
    async (map, value) => map.set(value, 1),
  )
  same<typeof late, KTable<string, Map<string, number>>>(true)
  const sums = lengths.groupBy((length, key) => [length, key], { key: serde.int64, value: serde.string })
  same<typeof sums, KGroupedTable<number, string>>(true)
  const sessions = grouped.windowedBy(session({ gap: 1, grace: 0 })).count()
  same<typeof sessions, KTable<Windowed<string>, number>>(true)
  const check = () => {
    // @ts-expect-error a sum is no string
    lengths.toStream().to('out', { value: serde.string })
    // @ts-expect-error windows are not keys of strings
    sessions.toStream().to('out', { key: serde.string })
    // @ts-expect-error grace must be said
    grouped.windowedBy(session({ gap: 1 }))
    // @ts-expect-error sessions need a merger
    grouped.windowedBy(session({ gap: 1, grace: 0 })).aggregate(
      () => 0,
      sum => sum + 1,
    )
    const keep = (sum: string) => sum
    // @ts-expect-error the aggregate is a number
    grouped.aggregate(() => 0, keep)
  }
  assert.equal(typeof check, 'function')
})
