import { serde } from '@odradek/client'
import { StreamsBuilder, type Topology } from '@odradek/streams'
import { words } from './words.ts'

/** Names as in Kafka Streams' own demo, so that its tools and documents fit. */
export const applicationId = 'streams-wordcount'
export const inputTopic = 'streams-plaintext-input'
export const outputTopic = 'streams-wordcount-output'

/** `examples/word-count.ts` is this as an application of its own. */
export function wordCountTopology(): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream(inputTopic, { key: serde.string, value: serde.string })
    .flatMapValues(words)
    .groupBy(word => word, { key: serde.string, value: serde.string })
    .count()
    .toStream()
    .to(outputTopic, { key: serde.string, value: serde.int64 })
  return builder.build()
}
