/** What is measured, as its users would write it. The same programs stand in peers/kafka-streams/StreamsPeer.java. */
import { serde } from '@odradek/client'
import {
  type FixedKeyProcessorContext,
  type FixedKeyRecord,
  joinWindow,
  type KStream,
  type StreamsBuilder,
  tumbling,
  windowedSerde,
} from '@odradek/streams'

export interface Watch {
  /** A record has come from an input. */
  began(): void
  /** One of the records that are counted has come to the operator that is measured. True: the last. */
  saw(): boolean
}

type Application = (builder: StreamsBuilder, inputs: readonly string[], output: string, watch: Watch) => void

const texts = { key: serde.string, value: serde.string }

const input = (builder: StreamsBuilder, topic: string, watch: Watch): KStream<string, string> =>
  builder.stream(topic, texts).peek(() => watch.began()) as KStream<string, string>

/** Passes everything on; the last record asks for a commit. */
const counting = (watch: Watch) => () => {
  let context: FixedKeyProcessorContext<string, string>
  return {
    init: (given: FixedKeyProcessorContext<string, string>) => void (context = given),
    process(record: FixedKeyRecord<string, string>) {
      if (watch.saw()) context.commit()
      return context.forward(record)
    },
  }
}

const counted = (builder: StreamsBuilder, topic: string, watch: Watch): KStream<string, string> =>
  input(builder, topic, watch).processValues(counting(watch), texts)

export const applications: Readonly<Record<string, Application>> = {
  'pass-through': (builder, [values], output, watch) => counted(builder, values!, watch).to(output, texts),

  'word-count': (builder, [lines], output, watch) =>
    input(builder, lines!, watch)
      .flatMapValues(line => line.toLowerCase().split(' '))
      .selectKey(word => word)
      .repartition({ ...texts, name: 'words' })
      .processValues(counting(watch), texts)
      .groupByKey()
      .count({ store: 'counts' })
      .toStream()
      .to(output, { key: serde.string, value: serde.int64 }),

  'tumbling-count': (builder, [values], output, watch) =>
    counted(builder, values!, watch)
      .groupByKey()
      .windowedBy(tumbling({ size: 10_000, grace: 1_000 }))
      .count({ store: 'counts' })
      .toStream()
      .to(output, { key: windowedSerde.time(serde.string, 10_000), value: serde.int64 }),

  'stream-stream-join': (builder, [left, right], output, watch) =>
    counted(builder, left!, watch)
      .join(counted(builder, right!, watch), (one, other) => one + other, {
        window: joinWindow({ before: 5_000, after: 5_000, grace: 1_000 }),
        store: 'pairs',
        name: 'pairs',
      })
      .to(output, texts),

  'table-table-join': (builder, [left, right], output, watch) =>
    counted(builder, left!, watch)
      .toTable({ store: 'left' })
      .join(counted(builder, right!, watch).toTable({ store: 'right' }), (one, other) => one + other)
      .toStream()
      .to(output, texts),

  count: (builder, [values], _output, watch) =>
    void counted(builder, values!, watch).groupByKey().count({ store: 'counts' }),

  latest: (builder, [changes], _output, watch) =>
    void counted(builder, changes!, watch)
      .groupByKey()
      .reduce((_, value) => value, { store: 'table' }),

  restore: (builder, [rows]) => void builder.table(rows!, { ...texts, store: 'table' }),
}
