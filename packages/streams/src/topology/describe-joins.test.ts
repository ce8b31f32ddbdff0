import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { joinWindow, type KStream, type KTable, StreamsBuilder } from '../index.ts'

/** What Kafka Streams 4.3.1 prints for the same programs: `=== title`, the text, `===`. */
const printedByKafka = new Map(
  Array.from(
    readFileSync(new URL('kafka-descriptions-joins.txt', import.meta.url), 'utf8').matchAll(
      /^=== (.+)\n([\s\S]*?)^===$/gm,
    ),
    ([, title, text]) => [title!, text!],
  ),
)

const text = { key: serde.string, value: serde.string }
const both = (left: unknown, right: unknown) => `${left}+${right}`
const pointsTo = (value: string) => value.split(':')[0]!
const window = joinWindow({ within: 10, grace: 5 })
const versions = { name: 'versions', historyRetentionMs: 100 }

type Stream = KStream<string, string>
type Table = KTable<string, string>
const streams = (builder: StreamsBuilder): [Stream, Stream] => [
  builder.stream('left', text),
  builder.stream('right', text),
]
const tables = (builder: StreamsBuilder): [Table, Table] => [builder.table('left', text), builder.table('right', text)]
const turned = (stream: Stream, name?: string) =>
  stream.map((value, key) => [value, key], { ...text, ...(name && { name }) })
const byValue = (stream: Stream) => stream.selectKey(value => value, { key: serde.string })

const ofStreams: Record<string, (left: Stream, right: Stream) => KStream<string, any>> = {
  join: (left, right) => left.join(right, both, { window }),
  'left join': (left, right) => left.leftJoin(right, both, { window }),
  'outer join': (left, right) => left.outerJoin(right, both, { window }),
  'join, named': (left, right) => left.join(right, both, { window, name: 'pair' }),
  'left join, named': (left, right) => left.leftJoin(right, both, { window, name: 'pair' }),
  'outer join, named, stores named': (left, right) =>
    left.outerJoin(right, both, { window, name: 'pair', store: 'kept' }),
  'left join, stores named': (left, right) => left.leftJoin(right, both, { window, store: 'kept' }),
}

const ofTables: Record<string, (left: Table, right: Table, builder: StreamsBuilder) => KTable<string, any>> = {
  'tables: join': (left, right) => left.join(right, both),
  'tables: left join': (left, right) => left.leftJoin(right, both),
  'tables: outer join': (left, right) => left.outerJoin(right, both),
  'tables: join, named': (left, right) => left.join(right, both, { name: 'both' }),
  'tables: outer join, named, kept': (left, right) => left.outerJoin(right, both, { name: 'both', store: 'kept' }),
  'tables: left join, kept without a name': (left, right) => left.leftJoin(right, both, { store: {} }),
  'tables: join of three': (left, right, builder) =>
    left.join(right, both).leftJoin(builder.table('third', text), both),
  'tables: join of three, the middle kept': (left, right, builder) =>
    left.join(right, both, { store: 'middle', value: serde.string }).outerJoin(builder.table('third', text), both),
  'foreign key: join': (left, right) => left.joinByForeignKey(right, pointsTo, both),
  'foreign key: left join': (left, right) => left.leftJoinByForeignKey(right, pointsTo, both),
  'foreign key: join, named': (left, right) => left.joinByForeignKey(right, pointsTo, both, { name: 'points' }),
  'foreign key: join, kept': (left, right) => left.joinByForeignKey(right, pointsTo, both, { store: 'kept' }),
  'foreign key: left join, named, kept': (left, right) =>
    left.leftJoinByForeignKey(right, pointsTo, both, { name: 'points', store: 'kept' }),
  'foreign key: join, kept without a name': (left, right) =>
    left.joinByForeignKey(right, pointsTo, both, { store: {} }),
  'foreign key: two joins': (left, right, builder) =>
    left
      .joinByForeignKey(right, pointsTo, both, { value: serde.string })
      .joinByForeignKey(builder.table('third', text), pointsTo, both),
  'foreign key: join of a join': (left, right, builder) =>
    left.joinByForeignKey(right, pointsTo, both, { value: serde.string }).join(builder.table('third', text), both),
}

const programs: Record<string, (builder: StreamsBuilder) => KStream<string, any>> = {
  'streams: join of new keys': builder =>
    turned(builder.stream('left', text)).join(byValue(builder.stream('right', text)), both, { window }),
  'streams: left join of new keys, named': builder =>
    turned(builder.stream('left', text)).leftJoin(byValue(builder.stream('right', text)), both, {
      window,
      name: 'pair',
    }),
  'streams: join of a named map': builder =>
    turned(builder.stream('left', text), 'turned').join(builder.stream('right', text), both, { window }),
  'streams: outer join of new keys': builder =>
    byValue(builder.stream('left', text)).outerJoin(builder.stream('right', text), both, { window }),
  'streams: join with itself': builder => {
    const stream: Stream = builder.stream('left', text)
    return stream.join(stream, both, { window })
  },
  'stream and table: join': builder => builder.stream('left', text).join(builder.table('right', text), both),
  'stream and table: left join': builder => builder.stream('left', text).leftJoin(builder.table('right', text), both),
  'stream and table: join, named': builder =>
    builder.stream('left', text).join(builder.table('right', text), both, { name: 'look-up' }),
  'stream and table: left join of new keys': builder =>
    turned(builder.stream('left', text)).leftJoin(builder.table('right', text), both),
  'stream and table: join of new keys, named': builder =>
    turned(builder.stream('left', text)).join(builder.table('right', text), both, { name: 'look-up' }),
  'stream and table: join with a filtered table': builder =>
    builder.stream('left', text).join(
      builder.table('right', text).filter(() => true),
      both,
    ),
  'stream and table: join with grace': builder =>
    builder.stream('left', text).join(builder.table('right', { ...text, store: versions }), both, { grace: 50 }),
  'stream and table: join with grace, named': builder =>
    builder
      .stream('left', text)
      .join(builder.table('right', { ...text, store: versions }), both, { grace: 50, name: 'look-up' }),
  'stream and global table: join': builder => {
    const rows = builder.globalTable('right', text)
    return builder.stream('left', text).join(rows, both, { on: value => value })
  },
  'stream and global table: left join, store named': builder => {
    const rows = builder.globalTable('right', { ...text, store: 'everywhere' })
    return builder.stream('left', text).leftJoin(rows, both, { on: value => value })
  },
  'stream and global table: join, all named': builder => {
    const rows = builder.globalTable('right', { ...text, name: 'rows', store: 'everywhere' })
    return builder.stream('left', text).join(rows, both, { on: value => value, name: 'look-up' })
  },
  'stream and global table: stream first': builder =>
    builder.stream('left', text).leftJoin(builder.globalTable('right', text), both, { on: value => value }),
  'tables: join of mapped tables': builder => {
    const left = builder.table('left', text).mapValues(value => value)
    const right = builder.table('right', text).filter(() => true)
    return left.join(right, both).toStream()
  },
  'tables: stream looks up a join': builder => {
    const third: Stream = builder.stream('third', text)
    const [left, right] = tables(builder)
    return third.join(left.join(right, both), both)
  },
  'foreign key: join with itself': builder => {
    const table: Table = builder.table('left', text)
    return table.joinByForeignKey(table, pointsTo, both).toStream()
  },
}
for (const [title, join] of Object.entries(ofStreams))
  programs[`streams: ${title}`] = builder => join(...streams(builder))
for (const [title, join] of Object.entries(ofTables))
  programs[title] = builder => join(...tables(builder), builder).toStream()

test('every join that Kafka Streams has described is written here too', () => {
  assert.deepEqual(Object.keys(programs).sort(), [...printedByKafka.keys()].sort())
})

for (const [title, write] of Object.entries(programs)) {
  test(`a join describes itself as Kafka Streams does: ${title}`, () => {
    const builder = new StreamsBuilder()
    write(builder).to('out')
    assert.equal(builder.build().describe(), printedByKafka.get(title))
  })
}
