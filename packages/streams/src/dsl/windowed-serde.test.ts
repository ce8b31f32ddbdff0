import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partitionOfKey, serde } from '@odradek/client'
import { DecodeError } from '@odradek/protocol'
import { changeOf } from '../change.ts'
import { StreamsBuilder, session, TopologyTestDriver, tumbling, windowedSerde } from '../index.ts'
import { texts } from '../testing/answers.ts'
import { changeSerde } from './change-serde.ts'
import { windowPartitioner } from './windowed-serde.ts'

const context = { topic: 't', part: 'key' } as const
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (text: string) => Buffer.from(text, 'hex')

test('a window is written as key and start, a session as key, end and start', () => {
  const time = windowedSerde.time(serde.string, 10)
  const window = { key: 'ab', start: 2 ** 33 + 5, end: 2 ** 33 + 15 }
  assert.equal(hex(time.serialize(window, context)), `6162${'0000000200000005'}`)
  assert.deepEqual(time.deserialize(bytes('61620000000200000005'), context), window)
  const sessions = windowedSerde.session(serde.string)
  const one = { key: 'ab', start: 3, end: 7 }
  assert.equal(hex(sessions.serialize(one, context)), '616200000000000000070000000000000003')
  assert.deepEqual(sessions.deserialize(bytes('616200000000000000070000000000000003'), context), one)
  assert.throws(() => time.deserialize(bytes('61'), context), DecodeError)
  assert.throws(() => sessions.deserialize(bytes('6162636465'), context), DecodeError)
})

test('results of windows need no serde to be written; their windows share the partition of the key (streams facts 2.51)', async () => {
  const builder = new StreamsBuilder()
  const grouped = builder.stream('in', texts).groupByKey()
  grouped
    .windowedBy(tumbling({ size: 10, grace: 0 }))
    .count()
    .toStream()
    .to('windows')
  grouped
    .windowedBy(session({ gap: 10, grace: 0 }))
    .count()
    .toStream()
    .to('sessions')
  const driver = new TopologyTestDriver(builder.build())
  await driver.input('in', serde.string, serde.string).pipe('a', '', 25)
  const windows = driver.output('windows', windowedSerde.time(serde.string, 10), serde.int64)
  assert.deepEqual(windows.readOne()?.key, { key: 'a', start: 20, end: 30 })
  const sessions = driver.output('sessions', windowedSerde.session(serde.string), serde.int64)
  assert.deepEqual(sessions.readOne()?.key, { key: 'a', start: 25, end: 25 })
  const partition = windowPartitioner(windowedSerde.time(serde.string, 10))!
  for (const start of [0, 10, 990])
    assert.equal(
      partition({ key: 'a', start, end: start + 10 }, 1, { topic: 'windows', partitions: 7 }),
      partitionOfKey(Buffer.from('a'), 7),
    )
  assert.equal(windowPartitioner(serde.string), undefined)
})

test('changes are written as Kafka Streams writes them', () => {
  const changes = changeSerde(serde.string)
  const cases = [
    [changeOf('new', 'old'), '066e65776f6c6402'],
    [changeOf('n', null), '6e01'],
    [changeOf(null, 'o'), '6f00'],
    [changeOf('x'.repeat(70), 'o'), `8c01${'78'.repeat(70)}6f02`],
  ] as const
  for (const [change, written] of cases) {
    assert.equal(hex(changes.serialize(change, context)), written)
    assert.deepEqual(changes.deserialize(bytes(written), context), change)
  }
})

test('changes of versioned tables are read, too, and what is no change is refused', () => {
  const changes = changeSerde(serde.string)
  assert.deepEqual(changes.deserialize(bytes('6f0003'), context), changeOf(null, 'o', false))
  assert.deepEqual(changes.deserialize(bytes('6e0104'), context), changeOf('n', null))
  assert.deepEqual(changes.deserialize(bytes('026e6f0005'), context), changeOf('n', 'o', false))
  for (const broken of ['', '6e06', '05', '016e02', 'ffffffffff02', '0a6e6f02'])
    assert.throws(() => changes.deserialize(bytes(broken), context), DecodeError, broken)
})
