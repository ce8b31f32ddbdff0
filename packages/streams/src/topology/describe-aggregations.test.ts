import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { serde, UsageError } from '@odradek/client'
import {
  hopping,
  type KGroupedStream,
  type KTable,
  StreamsBuilder,
  session,
  sliding,
  tumbling,
  unlimited,
  untilTimeLimit,
  untilWindowCloses,
} from '../index.ts'

/** What Kafka Streams 4.3.1 prints for the same programs: `=== title`, the text, `===`. */
const printedByKafka = new Map(
  Array.from(
    readFileSync(new URL('kafka-descriptions-aggregations.txt', import.meta.url), 'utf8').matchAll(
      /^=== (.+)\n([\s\S]*?)^===$/gm,
    ),
    ([, title, text]) => [title!, text!],
  ),
)

const texts = { key: serde.string, value: serde.string }
const input = (builder: StreamsBuilder, topic = 'in') => builder.stream(topic, texts)
const byKey = (builder: StreamsBuilder) => input(builder).groupByKey()
const byValue = (builder: StreamsBuilder, topic = 'in', name?: string) =>
  input(builder, topic).groupBy(value => value, { ...texts, ...(name && { name }) })
const write = (table: KTable<any, any>, topic = 'out') => table.toStream().to(topic)

const add = (one: string, other: string) => one + other
const empty = () => ''
const both = (one: KGroupedStream<string, string>, other: KGroupedStream<string, string>) =>
  one.cogroup<string>(add).cogroup(other, add)
const bothByKey = (builder: StreamsBuilder) =>
  both(input(builder, 'in1').groupByKey(), input(builder, 'in2').groupByKey())
const rowsByValue = (builder: StreamsBuilder, name?: string) =>
  builder.table('in', texts).groupBy((value, key) => [value, key], { ...texts, ...(name && { name }) })
const countsByCount = (counts: KTable<string, number>) =>
  counts.groupBy((count, key) => [count, key], { key: serde.int64, value: serde.string }).count()

const tumble = tumbling({ size: 10, grace: 10 })
const slide = sliding({ difference: 10, grace: 10 })
const sessions = session({ gap: 10, grace: 10 })

const programs: Record<string, (builder: StreamsBuilder) => void> = {
  'count by key': b => write(byKey(b).count()),
  'reduce by key': b => write(byKey(b).reduce(add)),
  'aggregate by key': b => write(byKey(b).aggregate(empty, add)),
  'reduce by new key, named, store': b => write(byValue(b).reduce(add, { name: 'summed', store: 'sums' })),
  'aggregate by new key, grouping named': b => write(byValue(b, 'in', 'g').aggregate(empty, add, { name: 'joined' })),
  'tumbling count': b => write(byKey(b).windowedBy(tumble).count()),
  'tumbling reduce by new key': b => write(byValue(b).windowedBy(tumble).reduce(add)),
  'tumbling aggregate, named, store': b =>
    write(byValue(b).windowedBy(tumble).aggregate(empty, add, { name: 'agg', store: 'windows' })),
  'tumbling count, on close': b => {
    const windows = byValue(b, 'in', 'g').windowedBy(tumble).emitStrategy('on-window-close')
    write(windows.count({ name: 'c', store: 'windows' }))
  },
  'sliding count': b => write(byValue(b).windowedBy(slide).count()),
  'sliding reduce': b => write(byKey(b).windowedBy(slide).reduce(add)),
  'sliding aggregate, named, store': b =>
    write(byKey(b).windowedBy(slide).aggregate(empty, add, { name: 'agg', store: 'windows' })),
  'session count': b => write(byValue(b).windowedBy(sessions).count()),
  'session reduce': b => write(byKey(b).windowedBy(sessions).reduce(add)),
  'session aggregate, named, store': b =>
    write(byKey(b).windowedBy(sessions).aggregate(empty, add, add, { name: 'agg', store: 'sessions' })),
  'unlimited count': b => write(byKey(b).windowedBy(unlimited()).count()),
  cogroup: b => write(bothByKey(b).aggregate(empty)),
  'cogroup, named, store': b => write(bothByKey(b).aggregate(empty, { name: 'both', store: 'joined' })),
  'cogroup by new keys': b =>
    write(both(byValue(b, 'in1', 'one'), byValue(b, 'in2', 'two')).aggregate(empty, { value: serde.string })),
  'cogroup, one by new key': b => write(both(byValue(b, 'in1'), input(b, 'in2').groupByKey()).aggregate(empty)),
  'cogroup tumbling': b => write(bothByKey(b).windowedBy(tumble).aggregate(empty, { name: 'both', store: 'windows' })),
  'cogroup sliding': b => write(bothByKey(b).windowedBy(slide).aggregate(empty)),
  'cogroup sessions': b => write(bothByKey(b).windowedBy(sessions).aggregate(empty, add)),
  'table count': b => write(rowsByValue(b).count()),
  'table reduce': b => write(rowsByValue(b).reduce(add, one => one)),
  'table aggregate, named, store': b =>
    write(rowsByValue(b).aggregate(empty, add, one => one, { name: 'agg', store: 'rows' })),
  'table grouping named, two counts': b => {
    const grouped = rowsByValue(b, 'g')
    write(grouped.count({ store: 'one' }), 'out1')
    write(grouped.count({ name: 'c', store: 'two' }), 'out2')
  },
  'table grouping unnamed, two counts': b => {
    const grouped = rowsByValue(b)
    write(grouped.count({ store: 'one' }), 'out1')
    write(grouped.count(), 'out2')
  },
  'count of counts': b => write(countsByCount(byKey(b).count())),
  suppress: b => write(byKey(b).windowedBy(tumble).count().suppress(untilWindowCloses())),
  'suppress named': b => write(byKey(b).windowedBy(tumble).count().suppress(untilWindowCloses(), { name: 'final' })),
  'suppress until a limit': b => write(b.table('in', texts).suppress(untilTimeLimit(10, { maxRecords: 3 }))),
  'suppress, grouped again': b =>
    write(
      countsByCount(
        byKey(b)
          .count()
          .suppress(untilTimeLimit(10, { maxRecords: 3 })),
      ),
    ),
}

test('every aggregation that Kafka Streams has described is written here too', () => {
  assert.deepEqual(Object.keys(programs).sort(), [...printedByKafka.keys()].sort())
})

for (const [title, program] of Object.entries(programs)) {
  test(`an aggregation describes itself as Kafka Streams does: ${title}`, () => {
    const builder = new StreamsBuilder()
    program(builder)
    assert.equal(builder.build().describe(), printedByKafka.get(title))
  })
}

test('two groupings by new keys need names to be cogrouped: they would share a topic, as in Kafka Streams', () => {
  const builder = new StreamsBuilder()
  const cogrouped = both(byValue(builder, 'in1'), byValue(builder, 'in2'))
  assert.throws(() => cogrouped.aggregate(empty), /Two nodes are named 'COGROUPKSTREAM-.*Give one of them another name/)
})

test('windows that cannot be are refused, and so is what needs windows where there are none', () => {
  assert.throws(() => tumbling({ size: 0, grace: 0 }), UsageError)
  assert.throws(() => hopping({ size: 10, advance: 11, grace: 0 }), /advance` is 11 ms and `size` 10 ms/)
  assert.throws(() => session({ gap: 0, grace: 0 }), UsageError)
  assert.throws(() => session({ gap: 1, grace: -1 }), UsageError)
  const grouped = byKey(new StreamsBuilder())
  const unlimitedOnClose = grouped.windowedBy(unlimited()).emitStrategy('on-window-close')
  assert.throws(() => unlimitedOnClose.count(), /never closes/)
  assert.throws(
    () => grouped.windowedBy(tumble).count({ store: { name: 'short', retentionMs: 19 } }),
    /`retentionMs` of store 'short' is 19, and its windows may change for 20 ms/,
  )
  assert.throws(() => grouped.count().suppress(untilWindowCloses() as never), /there are no windows above/)
})
