/**
 * Word count: lines of text in, a running count of every word out. The same program as Kafka Streams' own demo, with its topic names.
 *
 *     node examples/word-count.ts [HOST:PORT]
 */
import { serde } from '@odradek/client'
import { KafkaStreams, StreamsBuilder } from '@odradek/streams'

const builder = new StreamsBuilder()

builder
  .stream('streams-plaintext-input', { key: serde.string, value: serde.string })
  .flatMapValues(line => line.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])
  .groupBy(word => word, { key: serde.string, value: serde.string })
  .count()
  .toStream()
  .to('streams-wordcount-output', { key: serde.string, value: serde.int64 })

const streams = new KafkaStreams(builder.build(), {
  applicationId: 'streams-wordcount',
  brokers: process.argv[2] ?? '127.0.0.1:9092',
  cacheMaxBytes: 0, // every update of a count goes out, not only the last before a commit
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => streams.close())
await streams.run()
