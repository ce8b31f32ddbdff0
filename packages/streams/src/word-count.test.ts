import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { StreamsBuilder, TopologyTestDriver } from './index.ts'

function wordCount(store?: string) {
  const builder = new StreamsBuilder()
  builder
    .stream('streams-plaintext-input', { key: serde.string, value: serde.string })
    .flatMapValues(line => line.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])
    .groupBy((_, word) => word, { key: serde.string, value: serde.string })
    .count(store === undefined ? {} : { name: store })
    .toStream()
    .to('streams-wordcount-output', { key: serde.string, value: serde.int64 })
  return builder.build()
}

test('word count describes itself as Kafka Streams does', () => {
  assert.equal(
    wordCount('counts-store').describe(),
    `Topologies:
   Sub-topology: 0
    Source: KSTREAM-SOURCE-0000000000 (topics: [streams-plaintext-input])
      --> KSTREAM-FLATMAPVALUES-0000000001
    Processor: KSTREAM-FLATMAPVALUES-0000000001 (stores: [])
      --> KSTREAM-KEY-SELECT-0000000002
      <-- KSTREAM-SOURCE-0000000000
    Processor: KSTREAM-KEY-SELECT-0000000002 (stores: [])
      --> KSTREAM-FILTER-0000000005
      <-- KSTREAM-FLATMAPVALUES-0000000001
    Processor: KSTREAM-FILTER-0000000005 (stores: [])
      --> KSTREAM-SINK-0000000004
      <-- KSTREAM-KEY-SELECT-0000000002
    Sink: KSTREAM-SINK-0000000004 (topic: counts-store-repartition)
      <-- KSTREAM-FILTER-0000000005

  Sub-topology: 1
    Source: KSTREAM-SOURCE-0000000006 (topics: [counts-store-repartition])
      --> KSTREAM-AGGREGATE-0000000003
    Processor: KSTREAM-AGGREGATE-0000000003 (stores: [counts-store])
      --> KTABLE-TOSTREAM-0000000007
      <-- KSTREAM-SOURCE-0000000006
    Processor: KTABLE-TOSTREAM-0000000007 (stores: [])
      --> KSTREAM-SINK-0000000008
      <-- KSTREAM-AGGREGATE-0000000003
    Sink: KSTREAM-SINK-0000000008 (topic: streams-wordcount-output)
      <-- KTABLE-TOSTREAM-0000000007

`,
  )
})

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
