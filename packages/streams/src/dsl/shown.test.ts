import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { StreamsBuilder, TopologyTestDriver, tumbling } from '../index.ts'
import { shown } from './shown.ts'

test('keys and values are shown so that a person can tell them apart', () => {
  assert.equal(shown('uk'), 'uk')
  assert.equal(shown({ song: 1 }), '{"song":1}')
  assert.equal(shown(Buffer.from([0, 255])), '00ff')
  assert.equal(shown(12n), '"12"')
  assert.equal(shown(null), 'null')
  assert.equal(shown(undefined), 'undefined')
  assert.equal(shown({ key: 'uk', start: 0, end: 10 }), '[uk@0/10]')
})

test('a stream by windows can be logged', async t => {
  const log = t.mock.method(console, 'log', () => {})
  const builder = new StreamsBuilder()
  builder
    .stream('in', { key: serde.string, value: serde.string })
    .groupByKey()
    .windowedBy(tumbling({ size: 10, grace: 0 }))
    .count()
    .toStream()
    .log('counts')
  await new TopologyTestDriver(builder.build()).input('in', serde.string, serde.string).pipe('uk', 'a', 3)
  assert.deepEqual(
    log.mock.calls.map(({ arguments: [line] }) => line),
    ['counts: [uk@0/10] 1'],
  )
})
