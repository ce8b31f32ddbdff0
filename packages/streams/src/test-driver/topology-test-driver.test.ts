import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde, UsageError } from '@odradek/client'
import { StreamsBuilder, TopologyTestDriver, tumbling, windowedSerde } from '../index.ts'

function copying() {
  const builder = new StreamsBuilder()
  builder
    .stream('in', { key: serde.string, value: serde.string })
    .flatMapValues(value => [value])
    .to('out', { value: serde.string })
  const driver = new TopologyTestDriver(builder.build(), { startAt: 1_000 })
  return { driver, output: driver.output('out', serde.string, serde.string) }
}

test('records without a timestamp get the wall clock, or times of the input that advance', async () => {
  const { driver, output } = copying()
  await driver.input('in', serde.string, serde.string).pipe('a', '1')
  await driver.advanceWallClock(500)
  await driver.input('in', serde.string, serde.string).pipe('a', '2')
  const stepping = driver.input('in', serde.string, serde.string, { startAt: 10, advance: 5 })
  await stepping.pipeAll([
    ['b', '1'],
    ['b', '2'],
  ])
  await stepping.pipe('b', '3', 7)
  await stepping.pipe('b', '4')
  assert.deepEqual(
    output.read().map(({ timestamp }) => timestamp),
    [1_000, 1_500, 10, 15, 7, 20],
  )
})

test('an output is read once: one record, all, as pairs or as a table', async () => {
  const { driver, output } = copying()
  const input = driver.input('in', serde.string, serde.string)
  assert.equal(output.readOne(), undefined)
  await input.pipeAll([
    ['a', '1'],
    ['b', '2'],
    ['a', '3'],
  ])
  assert.equal(output.size, 3)
  assert.equal(output.readOne()?.value, '1')
  assert.deepEqual(
    output.readTable(),
    new Map([
      ['b', '2'],
      ['a', '3'],
    ]),
  )
  assert.deepEqual(output.readPairs(), [])
  assert.deepEqual(driver.producedTopics, [])
})

test('windows and other keys that are objects are one row of a table', async () => {
  const builder = new StreamsBuilder()
  builder
    .stream('in', { key: serde.string, value: serde.string })
    .groupByKey()
    .windowedBy(tumbling({ size: 10, grace: 0 }))
    .count()
    .toStream()
    .to('out')
  const driver = new TopologyTestDriver(builder.build())
  const input = driver.input('in', serde.string, serde.string)
  for (const timestamp of [1, 2, 11]) await input.pipe('a', '', timestamp)
  const rows = driver.output('out', windowedSerde.time(serde.string, 10), serde.int64).readTable()
  assert.deepEqual(
    [...rows].map(([window, count]) => [window?.start, count]),
    [
      [0, 2],
      [10, 1],
    ],
  )
})

test('headers go through, and a topic that nobody reads is refused', async () => {
  const { driver, output } = copying()
  await driver.input('in', serde.string, serde.string).pipe('a', '1', 5, [['trace', Buffer.from('t')]])
  assert.deepEqual(output.readOne()?.headers, [['trace', Buffer.from('t')]])
  assert.throws(() => driver.input('other', serde.string, serde.string), UsageError)
})
