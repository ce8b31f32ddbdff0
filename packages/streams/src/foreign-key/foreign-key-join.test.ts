import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { type KTable, StreamsBuilder, TopologyTestDriver } from '../index.ts'
import { Instruction, responseSerde, subscriptionSerde } from './formats.ts'
import { murmur3 } from './murmur3.ts'

const text = { key: serde.string, value: serde.string }
const subscriptions = subscriptionSerde(serde.string)
const responses = responseSerde(serde.string)

/** Rows of `left` point to the row of `right` that is their value. */
function joining(kind: 'joinByForeignKey' | 'leftJoinByForeignKey') {
  const builder = new StreamsBuilder()
  const left: KTable<string, string> = builder.table('left', text)
  const right: KTable<string, string> = builder.table('right', text)
  left[kind](
    right,
    value => value,
    (value, row: string | null) => `${value}+${row ?? '-'}`,
    { name: 'points' },
  )
    .toStream()
    .to('out', text)
  const driver = new TopologyTestDriver(builder.build())
  return {
    driver,
    left: driver.input('left', serde.string, serde.string),
    right: driver.input('right', serde.string, serde.string),
    answers: driver.input('test-points-subscription-response-topic', serde.string, responses),
    told: driver.output('test-points-subscription-registration-topic', serde.string, subscriptions),
    output: driver.output('out', serde.string, serde.string),
  }
}

test('a row that points elsewhere unsubscribes there first, then subscribes here (streams facts 2.40)', async () => {
  const { left, told } = joining('joinByForeignKey')
  await left.pipe('1', 'a', 1)
  await left.pipe('1', 'b', 2)
  await left.pipe('1', null, 3)
  assert.deepEqual(
    told.read().map(({ key, value }) => [key, value!.instruction, value!.hash === null]),
    [
      ['a', Instruction.subscribeAndTellIfThere, false],
      ['a', Instruction.deleteQuietly, false],
      ['b', Instruction.subscribeAndTell, false],
      ['b', Instruction.deleteAndTell, true],
    ],
  )
})

test('an answer to what a row was before is dropped (streams facts 2.40)', async () => {
  const { driver, left, answers, output } = joining('joinByForeignKey')
  await left.pipe('1', 'a', 1)
  const answer = (row: string) => ({ hash: murmur3(Buffer.from(row)), foreignValue: 'x', primaryPartition: 0 })
  await answers.pipe('1', answer('z'), 2)
  assert.equal(driver.droppedRecords, 1)
  await answers.pipe('1', answer('a'), 3)
  assert.deepEqual(output.readPairs(), [['1', 'a+x']])
})

test('an inner join tells of rows that never were joined: moved from nowhere to nowhere, or deleted (streams facts 2.41)', async () => {
  const { left, output } = joining('joinByForeignKey')
  await left.pipe('1', 'a', 1)
  assert.deepEqual(output.readPairs(), [])
  await left.pipe('1', 'b', 2)
  await left.pipe('1', null, 3)
  assert.deepEqual(output.readPairs(), [
    ['1', null],
    ['1', null],
  ])
})

test('a row tells those that point to it, and none that point to a key that begins as its own (streams facts 2.42)', async () => {
  const { left, right, output } = joining('joinByForeignKey')
  for (const [key, to] of [
    ['1', 'a'],
    ['2', 'ab'],
    ['3', 'a'],
    ['4', 'b'],
  ] as const)
    await left.pipe(key, to, 1)
  await right.pipe('a', 'x', 2)
  assert.deepEqual(output.readPairs(), [
    ['1', 'a+x'],
    ['3', 'a+x'],
  ])
})

test('a left join has every row, joined or not; the larger timestamp counts on its side, the own one on the other (streams facts 2.9)', async () => {
  const { left, right, output } = joining('leftJoinByForeignKey')
  await right.pipe('a', 'x', 9)
  await left.pipe('1', 'a', 5)
  await left.pipe('2', 'b', 5)
  await right.pipe('a', 'y', 3)
  assert.deepEqual(
    output.read().map(({ key, value, timestamp }) => [key, value, timestamp]),
    [
      ['1', 'a+x', 9],
      ['2', 'b+-', 5],
      ['1', 'a+y', 3],
    ],
  )
})

test('subscriptions and responses are written as Kafka Streams writes them, and others are refused', () => {
  const place = { topic: 't', part: 'value' } as const
  const hash = Buffer.alloc(16, 7)
  const asked = { hash, instruction: 3, primaryKey: 'pk', primaryPartition: 5 }
  const bytes = subscriptions.serialize(asked, place)
  assert.equal(Buffer.from(bytes).toString('hex'), `0103${'07'.repeat(16)}706b00000005`)
  assert.deepEqual({ ...subscriptions.deserialize(bytes, place) }, asked)
  const without = subscriptions.serialize({ ...asked, hash: null }, place)
  assert.equal(Buffer.from(without).toString('hex'), '8103706b00000005')
  const answer = responses.serialize({ hash, foreignValue: 'x', primaryPartition: 5 }, place)
  assert.equal(Buffer.from(answer).toString('hex'), `00${'07'.repeat(16)}78`)
  assert.equal(
    Buffer.from(responses.serialize({ hash: null, foreignValue: null, primaryPartition: 0 }, place)).toString('hex'),
    '80',
  )
  assert.equal(responses.deserialize(Buffer.of(0x80), place).foreignValue, null)
  for (const length of [0, 1, 5, 21])
    assert.throws(() => subscriptions.deserialize(bytes.subarray(0, length), place), /no subscription/)
  assert.throws(() => responses.deserialize(Buffer.of(2), place), /no response/)
})
