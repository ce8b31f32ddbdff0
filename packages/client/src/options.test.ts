/** Options that cannot be right are refused when the producer or consumer is made. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde, topic } from './index.ts'
import { Kafka } from './kafka.ts'

const kafka = new Kafka({ brokers: 'localhost' })
const consumer = (options: object) => () => kafka.consumer({ group: 'g', topics: ['t'], ...options })
const producer = (options: object) => () => kafka.producer(options)

test('an option that does not exist is refused, with those that do', () => {
  assert.throws(producer({ lingerms: 5 }), { code: 'USAGE', message: /no option 'lingerms': write lingerMs/ })
  assert.throws(producer({ linger: 5 }), { code: 'USAGE', message: /no option 'linger': there are acks, .*lingerMs/ })
  assert.throws(consumer({ groupId: 'g' }), { code: 'USAGE', message: /a consumer has no option 'groupId'.*group/ })
  assert.throws(consumer({ constructor: 1 }), { code: 'USAGE' })
})

test('a value that cannot be right is refused, with what can', () => {
  const wrong: [object, RegExp][] = [
    [{ from: 'foo' }, /from is 'foo'; write 'earliest'/],
    [{ from: { timestamp: '1' } }, /from is {"timestamp":"1"}/],
    [{ commit: { every: -1 } }, /commit is {"every":-1}; write { every/],
    [{ commit: { every: 0 } }, /commit is/],
    [{ commit: { every: 2 ** 40 } }, /commit is/],
    [{ commit: 'auto' }, /commit is 'auto'/],
    [{ commit: null }, /commit is null/],
    [{ isolation: 'serializable' }, /write 'read_uncommitted' or 'read_committed'/],
    [{ sessionTimeoutMs: '45000' }, /sessionTimeoutMs is '45000'; write a number above 0/],
    [{ maxWaitMs: -1 }, /maxWaitMs is -1; write 0 or more/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(consumer(options), { code: 'USAGE', message })
  }
  assert.throws(producer({ lingerMs: '5' }), { code: 'USAGE', message: /lingerMs is '5'/ })
  assert.throws(producer({ metadataTimeoutMs: -1 }), { code: 'USAGE' })
  assert.throws(producer({ partitioner: 'random' }), { code: 'USAGE', message: /partitioner is a function/ })
})

test('options that are left undefined are as if they were not there', () => {
  assert.doesNotThrow(consumer({ from: undefined, commit: undefined, rackId: undefined }))
  assert.doesNotThrow(producer({ lingerMs: undefined, partitioner: undefined }))
})

test('a run is told of an order that does not exist', async () => {
  const running = consumer({})().run(() => {}, { order: 'offset' as 'key' })
  await assert.rejects(running, { code: 'USAGE', message: /order is 'offset'/ })
})

test('a record without a value is refused, and does not hold up a flush; null deletes', async () => {
  const upper = { name: 'upper', async: true as const, serialize: async () => Buffer.of(1), deserialize: () => 'A' }
  const strings = topic('t', { value: serde.string })
  for (const contract of [strings, topic('t', { value: upper })]) {
    const some = kafka.producer()
    await assert.rejects(some.send(contract, { key: null, vlaue: 'a' } as never), {
      code: 'USAGE',
      message: /no value; to delete its key, send the value null/,
    })
    await assert.rejects(some.send(contract, undefined as never), { code: 'USAGE', message: /is undefined; write/ })
    await some.flush()
  }
})
