import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde, UsageError } from '@odradek/client'
import { quiet, uncaughtAnswer } from './handlers/handlers.ts'
import { joinWindow, type KStream, StreamsBuilder, Topology, tumbling } from './index.ts'
import { KafkaStreams } from './runtime/kafka-streams.ts'
import { Punctuations } from './task/punctuations.ts'
import { TopologyTestDriver } from './test-driver/topology-test-driver.ts'

function topology(): Topology {
  const builder = new StreamsBuilder()
  builder.stream('lines').to('copies')
  return builder.build()
}

/** As plain JavaScript would. */
const begin = (options: object) => () =>
  new KafkaStreams(topology(), { applicationId: 'copies', brokers: 'localhost:9092', ...options })

/** Operators that read or write topics, or keep something, told something that is misspelt. */
const misspelt: Record<string, (builder: StreamsBuilder, lines: KStream<string, string>, options: object) => unknown> =
  {
    stream: (builder, _, options) => builder.stream('t', options),
    table: (builder, _, options) => builder.table('t', options),
    globalTable: (builder, _, options) => builder.globalTable('t', options),
    to: (_, lines, options) => lines.to('t', options),
    repartition: (_, lines, options) => lines.repartition(options),
    toTable: (_, lines, options) => lines.toTable(options),
    groupByKey: (_, lines, options) => lines.groupByKey(options),
    groupBy: (_, lines, options) => lines.groupBy(line => line, options),
    count: (_, lines, options) => lines.groupByKey().count(options),
    'windowed count': (_, lines, options) =>
      lines
        .groupByKey()
        .windowedBy(tumbling({ size: 1, grace: 0 }))
        .count(options),
    aggregate: (_, lines, options) =>
      lines.groupByKey().aggregate(
        () => 0,
        count => count + 1,
        options,
      ),
    cogroup: (_, lines, options) => {
      const counted = lines.groupByKey().cogroup((count: number) => count + 1)
      return counted.aggregate(() => 0, options)
    },
    'groupBy of a table': (_, lines, options) => lines.toTable().groupBy((line, key) => [key, line], options),
    'count of a table': (_, lines, options) =>
      lines
        .toTable()
        .groupBy((line, key) => [key, line])
        .count(options),
    'filter of a table': (_, lines, options) => lines.toTable().filter(() => true, options),
    'join of tables': (builder, lines, options) => lines.toTable().join(builder.table('t'), () => 0, options),
    'join of streams': (_, lines, options) =>
      lines.join(lines, () => 0, { window: joinWindow({ before: 1, after: 1, grace: 0 }), ...options }),
  }

for (const [operator, tell] of Object.entries(misspelt))
  test(`an option of ${operator} that is misspelt is refused at once`, () => {
    const builder = new StreamsBuilder()
    const lines = builder.stream('lines', { key: serde.string, value: serde.string })
    tell(builder, lines, { name: 'known' })
    assert.throws(
      () => tell(builder, lines, { stroe: 'words' }),
      new UsageError(
        'There is no option `stroe`; did you mean `store`? There are `name`, `key`, `value`, `store`, `timestampOf`, `offsetReset`, ' +
          '`partitions`, `partitionOf`, `otherPartitionOf`, `window`, `left`, `right`.',
      ),
    )
  })

const refused: readonly [string, () => unknown, RegExp][] = [
  [
    'a setting that is misspelt',
    begin({ commitInterval: 100 }),
    /no setting `commitInterval`; did you mean `commitIntervalMs`\? There are `applicationId`, .*`logger`/,
  ],
  ['a setting unlike any', begin({ threads: 4 }), /no setting `threads`\. There are `applicationId`, .*`logger`/],
  ['a number that is a text', begin({ commitIntervalMs: '100' }), /`commitIntervalMs` is '100'; write a whole number/],
  [
    'a setting of the consumer that is misspelt',
    begin({ consumer: { sessionTimeout: 1 } }),
    /no setting of `consumer` `sessionTimeout`; did you mean `sessionTimeoutMs`/,
  ],
  [
    'a setting of the producer that is misspelt',
    begin({ producer: { linger: 1 } }),
    /no setting of `producer` `linger`; did you mean `lingerMs`/,
  ],
  [
    'a setting of a store that is misspelt',
    () => new StreamsBuilder().table('t', { store: { name: 'known', cachng: false } } as object),
    /no setting of `store` `cachng`; did you mean `caching`/,
  ],
  [
    'a place for a global store that is none',
    () => {
      const builder = new StreamsBuilder()
      builder.globalTable('t', { store: { name: 'known', in: 'ssd' } } as object)
      return builder.build()
    },
    /`in` of store 'known' is 'ssd'; write 'memory' or 'disk'/,
  ],
  [
    'a beginning that is none',
    () => new Topology().addSource('read', { topics: 't', offsetReset: 'earlist' as 'earliest' }),
    /`offsetReset` of source 'read' is 'earlist'; write 'earliest' or 'latest' or 'none'/,
  ],
  [
    'a handler that is misspelt',
    begin({ handlers: { procesing: () => 'resume' } }),
    /no handler `procesing`; did you mean `processing`/,
  ],
  ['a handler that is no function', begin({ handlers: { processing: 'resume' } }), /processing handler is "resume"/],
  ['a level of metrics that is none', begin({ metricsLevel: 'all' }), /`metricsLevel` is 'all'; write 'info' or/],
  ['a place for stores that is none', begin({ defaultStore: 'ssd' }), /`defaultStore` is 'ssd'; write 'disk' or/],
  [
    'a place for one store that is none',
    () => {
      const builder = new StreamsBuilder()
      builder.table('t', { store: { name: 'known', in: 'ssd' } } as object)
      return builder.build()
    },
    /`in` of store 'known' is 'ssd'; write 'memory' or 'disk'/,
  ],
  [
    'a clock for a punctuation that is none',
    () => new Punctuations().schedule({ every: 10, by: 'wall' as 'wall-clock' }, 0, () => {}),
    /`by` of a punctuation is 'wall'; write 'stream-time' or 'wall-clock'/,
  ],
  [
    'a setting of the test driver that is misspelt',
    () => new TopologyTestDriver(topology(), { started: 5 } as object),
    /no setting of the test driver `started`.*`startAt`/,
  ],
  [
    'a topology that reads nothing',
    () => new KafkaStreams(new Topology(), { applicationId: 'empty', brokers: 'localhost:9092' }),
    /The topology reads nothing\. Add a source/,
  ],
]

for (const [what, attempt, message] of refused)
  test(`${what} is refused at once`, () => {
    assert.throws(attempt, (error: Error) => error instanceof UsageError && message.test(error.message))
  })

test('an uncaught handler that throws or answers something else ends the instance, and the log says so', () => {
  const told: unknown[] = []
  const logger = { ...quiet, error: (fields: object) => told.push(String(Object.values(fields)[0])) }
  const answerOf = (uncaught: () => unknown) =>
    uncaughtAnswer({ logger, handlers: { uncaught: uncaught as () => 'replace-thread' } }, new Error('poison'))
  assert.equal(
    answerOf(() => 'replace-thread'),
    'replace-thread',
  )
  assert.equal(
    answerOf(() => undefined),
    'shutdown-client',
  )
  assert.deepEqual(told, [])
  assert.equal(
    answerOf(() => 'restart'),
    'shutdown-client',
  )
  assert.equal(
    answerOf(() => {
      throw new Error('no idea')
    }),
    'shutdown-client',
  )
  assert.match(told.join('\n'), /is 'restart'; write 'replace-thread' or .*\n.*no idea/)
})
