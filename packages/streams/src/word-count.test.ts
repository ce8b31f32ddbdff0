import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { StreamsBuilder, TopologyTestDriver } from './index.ts'

function wordCount(store?: string) {
  const builder = new StreamsBuilder()
  builder
    .stream('streams-plaintext-input', { key: serde.string, value: serde.string })
    .flatMapValues(line => line.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])
    .groupBy(word => word, { key: serde.string, value: serde.string })
    .count(store === undefined ? {} : { store })
    .toStream()
    .to('streams-wordcount-output', { key: serde.string, value: serde.int64 })
  return builder.build()
}

test('every word updates its count, in the order of the text', async () => {
  const driver = new TopologyTestDriver(wordCount(), { applicationId: 'wc' })
  const lines = driver.input('streams-plaintext-input', serde.string, serde.string)
  const counts = driver.output('streams-wordcount-output', serde.string, serde.int64)
  await lines.pipe(null, 'all streams lead to kafka', 10)
  await lines.pipe(null, 'hello kafka streams', 5)
  assert.deepEqual(counts.readPairs(), [
    ['all', 1],
    ['streams', 1],
    ['lead', 1],
    ['to', 1],
    ['kafka', 1],
    ['hello', 1],
    ['kafka', 2],
    ['streams', 2],
  ])
  assert.deepEqual(driver.producedTopics, [
    'wc-KSTREAM-AGGREGATE-STATE-STORE-0000000003-repartition',
    'wc-KSTREAM-AGGREGATE-STATE-STORE-0000000003-changelog',
  ])
})

test('a count keeps the largest timestamp it rests on', async () => {
  const driver = new TopologyTestDriver(wordCount('counts'))
  const lines = driver.input('streams-plaintext-input', serde.string, serde.string)
  await lines.pipe(null, 'kafka', 10)
  await lines.pipe(null, 'kafka', 5)
  const counts = driver.output('streams-wordcount-output', serde.string, serde.int64)
  assert.deepEqual(
    counts.read().map(record => [record.value, record.timestamp]),
    [
      [1, 10],
      [2, 10],
    ],
  )
  assert.deepEqual([...driver.keyValueStore<string, number>('counts').all()], [['kafka', { value: 2, timestamp: 10 }]])
})
