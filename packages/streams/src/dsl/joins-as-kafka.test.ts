import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { joinWindow, type KStream, type KTable, StreamsBuilder, TopologyTestDriver } from '../index.ts'

/**
 * What Kafka Streams 4.3.1 answers, in its own TopologyTestDriver, to records in no order of time: `=== title`, then a line for each
 * record, `> side key value timestamp`, and below it a line for each result. Two seconds of wall clock pass after each.
 */
const answeredByKafka = new Map(
  Array.from(
    readFileSync(new URL('kafka-answers-joins.txt', import.meta.url), 'utf8').matchAll(/^=== (.+)\n([\s\S]*?)^===$/gm),
    ([, title, text]) => [title!, text!.trimEnd().split('\n')],
  ),
)

type Stream = KStream<string, string>
type Table = KTable<string, string>

const text = { key: serde.string, value: serde.string }
const written = { value: serde.string }
const both = (left: string | null, right: string | null) => `${left ?? '-'}+${right ?? '-'}`
const pointsTo = (value: string) => (value.startsWith('n') ? null : value[0]!)
const stream = (builder: StreamsBuilder, topic: string): Stream => builder.stream(topic, text)
const table = (builder: StreamsBuilder, topic: string, historyRetentionMs?: number): Table =>
  builder.table(topic, {
    ...text,
    ...(historyRetentionMs !== undefined && { store: { name: `${topic}-versions`, historyRetentionMs } }),
  })

const programs: Record<string, (builder: StreamsBuilder) => KStream<string, any>> = {
  'streams: join with itself': builder => {
    const left = stream(builder, 'left')
    stream(builder, 'right').foreach(() => {})
    return left.join(left, both, { window: joinWindow({ within: 10, grace: 5 }) })
  },
  'stream and table: join': builder => stream(builder, 'left').join(table(builder, 'right'), both),
  'stream and table: left join': builder => stream(builder, 'left').leftJoin(table(builder, 'right'), both),
  'stream and table: left join, versioned': builder =>
    stream(builder, 'left').leftJoin(table(builder, 'right', 30), both),
  'stream and table: join, grace': builder =>
    stream(builder, 'left').join(table(builder, 'right', 60), both, { grace: 20 }),
  'stream and table: left join, grace': builder =>
    stream(builder, 'left').leftJoin(table(builder, 'right', 60), both, { grace: 20 }),
  'stream and global table: join': builder =>
    stream(builder, 'left').join(builder.globalTable('right', text), both, { on: pointsTo }),
  'stream and global table: left join': builder =>
    stream(builder, 'left').leftJoin(builder.globalTable('right', text), both, { on: pointsTo }),
  'stream and table: a join looked up': builder => {
    const [left, right] = [table(builder, 'left'), table(builder, 'right')]
    return right.toStream().leftJoin(left.outerJoin(right, both), both)
  },
}

const ofTables: Record<string, (left: Table, right: Table) => Table> = {
  'tables: join': (left, right) => left.join(right, both),
  'tables: left join': (left, right) => left.leftJoin(right, both),
  'tables: outer join': (left, right) => left.outerJoin(right, both),
  'tables: join, kept': (left, right) => left.join(right, both, { store: 'kept', ...written }),
  'tables: outer join, kept': (left, right) => left.outerJoin(right, both, { store: 'kept', ...written }),
  'tables: outer join, filtered': (left, right) => left.outerJoin(right, both).filter(value => !value.endsWith('-')),
  'tables: left join, filtered, kept': (left, right) =>
    left.leftJoin(right, both, written).filter(value => !value.endsWith('-'), { store: 'kept' }),
  'tables: filtered, outer join': (left, right) =>
    left
      .filter(value => !value.startsWith('n'))
      .outerJoin(
        right.mapValues(value => `${value}!`),
        both,
      ),
  'tables: three': (left, right) =>
    left.join(right, both).outerJoin(
      left.mapValues(value => `${value}?`),
      both,
    ),
  'tables: three, the middle kept': (left, right) =>
    left.leftJoin(right, both, { store: 'middle', ...written }).leftJoin(
      right.mapValues(value => `${value}?`),
      both,
    ),
  'foreign key: join': (left, right) => left.joinByForeignKey(right, pointsTo, both),
  'foreign key: left join': (left, right) => left.leftJoinByForeignKey(right, pointsTo, both),
  'foreign key: join, kept': (left, right) =>
    left.joinByForeignKey(right, pointsTo, both, { store: 'kept', ...written }),
  'foreign key: join, filtered': (left, right) =>
    left.joinByForeignKey(right, pointsTo, both, { store: {}, ...written }).filter(value => !value.startsWith('a')),
}
for (const [title, join] of Object.entries(ofTables))
  programs[title] = builder => join(table(builder, 'left'), table(builder, 'right')).toStream()

const ofVersions: typeof ofTables = {
  'tables: join, versioned': ofTables['tables: join']!,
  'foreign key: left join, versioned': ofTables['foreign key: left join']!,
}
for (const [title, join] of Object.entries(ofVersions))
  programs[title] = builder => join(table(builder, 'left', 30), table(builder, 'right', 30)).toStream()
programs['tables: outer join, left versioned'] = builder =>
  table(builder, 'left', 30).outerJoin(table(builder, 'right'), both).toStream()
programs['foreign key: join, right versioned'] = builder =>
  table(builder, 'left')
    .joinByForeignKey(table(builder, 'right', 30), pointsTo, both)
    .toStream()

for (const [before, after, grace] of [
  [10, 10, 5],
  [0, 8, 20],
  [12, 0, 0],
  [5, 15, 30],
] as const) {
  const options = { window: joinWindow({ before, after, grace }) }
  const of = `within ${before}, ${after}, grace ${grace}`
  programs[`streams: join ${of}`] = builder => stream(builder, 'left').join(stream(builder, 'right'), both, options)
  programs[`streams: left join ${of}`] = builder =>
    stream(builder, 'left').leftJoin(stream(builder, 'right'), both, options)
  programs[`streams: outer join ${of}`] = builder =>
    stream(builder, 'left').outerJoin(stream(builder, 'right'), both, options)
}

test('every join that Kafka Streams has answered is written here too', () => {
  assert.deepEqual(Object.keys(programs).sort(), [...answeredByKafka.keys()].sort())
})

for (const [title, build] of Object.entries(programs)) {
  test(`a join answers as Kafka Streams does: ${title}`, async () => {
    const builder = new StreamsBuilder()
    build(builder).to('out', text)
    const driver = new TopologyTestDriver(builder.build())
    const output = driver.output('out', serde.string, serde.string)
    const lines: string[] = []
    for (const line of answeredByKafka.get(title)!.filter(line => line.startsWith('> '))) {
      const [, side, key, value, timestamp] = line.split(' ')
      const input = driver.input(side!, serde.string, serde.string)
      await input.pipe(key === 'null' ? null : key!, value === 'null' ? null : value!, Number(timestamp))
      lines.push(line, ...output.read().map(record => `${record.key} ${record.value} ${record.timestamp}`))
      await driver.advanceWallClock(2_000)
    }
    assert.deepEqual(lines, answeredByKafka.get(title))
  })
}
