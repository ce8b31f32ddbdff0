/**
 * What Kafka Streams 4.3.1's own test driver answers to the same records: `=== title`, `> key value timestamp` for each record and below
 * it what comes out, and how many were dropped.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import {
  hopping,
  type KTable,
  StreamsBuilder,
  session,
  sliding,
  TopologyTestDriver,
  tumbling,
  unlimited,
  untilTimeLimit,
  untilWindowCloses,
  type Windowed,
} from '../index.ts'

const texts = { key: serde.string, value: serde.string }
const stored = { value: serde.string }
const grouped = (builder: StreamsBuilder) => builder.stream('in', texts).groupByKey()
const table = (builder: StreamsBuilder) => builder.table('in', texts)
const empty = () => ''
const add = (one: string, other: string) => one + other
const subtract = (one: string, other: string) => `${one}-${other}`
const signed = (sign: string) => (all: string, value: string) => `${all} ${sign}${value}`
const height = (value: string) => (value < 'c' ? 'low' : 'high')

const write = <K>(shown: (key: K) => string, result: KTable<K, string>) =>
  result
    .toStream()
    .map((value, key) => [shown(key), value] as const, texts as never)
    .to('out')
const writeKeys = (result: KTable<string, string>) => write(key => key, result)
const writeWindows = (result: KTable<Windowed<string>, string>) =>
  write(({ key, start, end }) => `${key}[${start},${end}]`, result)

const tumble = tumbling({ size: 10, grace: 5 })
const hop = hopping({ size: 10, advance: 4, grace: 3 })
const slide = sliding({ difference: 10, grace: 12 })
const sessions = (b: StreamsBuilder, gap: number, grace: number) => grouped(b).windowedBy(session({ gap, grace }))

const programs: Record<string, (builder: StreamsBuilder) => void> = {
  aggregate: b => writeKeys(grouped(b).aggregate(empty, add, stored)),
  reduce: b => writeKeys(grouped(b).reduce(add)),
  tumbling: b => writeWindows(grouped(b).windowedBy(tumble).aggregate(empty, add, stored)),
  'tumbling reduce': b => writeWindows(grouped(b).windowedBy(tumble).reduce(add)),
  hopping: b => writeWindows(grouped(b).windowedBy(hop).aggregate(empty, add, stored)),
  unlimited: b =>
    write(
      ({ key, start }) => `${key}[${start}]`,
      grouped(b)
        .windowedBy(unlimited({ startAt: 8 }))
        .aggregate(empty, add, stored),
    ),
  'tumbling, on close': b =>
    writeWindows(grouped(b).windowedBy(tumble).emitStrategy('on-window-close').aggregate(empty, add, stored)),
  'hopping, on close': b =>
    writeWindows(grouped(b).windowedBy(hop).emitStrategy('on-window-close').aggregate(empty, add, stored)),
  sliding: b => writeWindows(grouped(b).windowedBy(slide).aggregate(empty, add, stored)),
  'sliding early': b =>
    writeWindows(
      grouped(b)
        .windowedBy(sliding({ difference: 25, grace: 50 }))
        .aggregate(empty, add, stored),
    ),
  'sliding reduce': b =>
    writeWindows(
      grouped(b)
        .windowedBy(sliding({ difference: 6, grace: 9 }))
        .reduce(add),
    ),
  'sliding, on close': b => {
    const windows = grouped(b).windowedBy(sliding({ difference: 10, grace: 5 }))
    writeWindows(windows.emitStrategy('on-window-close').aggregate(empty, add, stored))
  },
  sessions: b => writeWindows(sessions(b, 5, 12).aggregate(empty, add, add, stored)),
  'sessions reduce': b => writeWindows(sessions(b, 4, 6).reduce(add)),
  'sessions, on close': b =>
    writeWindows(sessions(b, 5, 8).emitStrategy('on-window-close').aggregate(empty, add, add, stored)),
  'table groups': b =>
    writeKeys(
      table(b)
        .groupBy(value => [height(value), value], texts)
        .aggregate(empty, add, subtract, stored),
    ),
  'table groups, reduce': b =>
    writeKeys(
      table(b)
        .groupBy(value => (value === 'f' ? null : [height(value), value]), texts)
        .reduce(add, subtract),
    ),
  'suppress until windows close': b =>
    writeWindows(grouped(b).windowedBy(tumble).aggregate(empty, add, stored).suppress(untilWindowCloses())),
  'suppress until sessions close': b =>
    writeWindows(sessions(b, 5, 8).aggregate(empty, add, add, stored).suppress(untilWindowCloses())),
  'suppress until a limit': b => writeKeys(table(b).suppress(untilTimeLimit(8))),
  'suppress until it is full': b =>
    writeWindows(
      grouped(b)
        .windowedBy(tumbling({ size: 5, grace: 5 }))
        .aggregate(empty, add, stored)
        .suppress(untilTimeLimit(30, { maxRecords: 2 })),
    ),
  'groups of sessions': b =>
    writeKeys(
      sessions(b, 5, 8)
        .aggregate(empty, add, add, stored)
        .groupBy(value => ['all', value], texts)
        .aggregate(empty, signed('+'), signed('-'), stored),
    ),
  'windows of a jump, on close': b =>
    writeWindows(grouped(b).windowedBy(tumble).emitStrategy('on-window-close').aggregate(empty, add, stored)),
}

const answers = readFileSync(new URL('kafka-answers-aggregations.txt', import.meta.url), 'utf8')
const recorded = new Map(
  Array.from(answers.matchAll(/^=== (.+)\n([\s\S]*?)^===$/gm), ([, title, text]) => [title!, text!]),
)

test('every program that Kafka Streams has answered is written here too', () => {
  assert.deepEqual(Object.keys(programs).sort(), [...recorded.keys()].sort())
})

/** Kafka Streams loses windows that its store forgets with the very record that closes them (streams facts 2.21); here they come out. */
const lossy = new Set(['hopping, on close', 'windows of a jump, on close'])

async function answersOf(title: string): Promise<string[]> {
  const builder = new StreamsBuilder()
  programs[title]!(builder)
  const driver = new TopologyTestDriver(builder.build())
  const input = driver.input('in', serde.string, serde.string)
  const output = driver.output('out', serde.string, serde.string)
  const lines: string[] = []
  for (const line of recorded
    .get(title)!
    .split('\n')
    .filter(line => line.startsWith('>'))) {
    const [, key, value, timestamp] = line.split(' ')
    lines.push(line)
    await input.pipe(key!, value === 'null' ? null : value!, Number(timestamp))
    for (const { key, value, timestamp } of output.read()) lines.push(`${key} ${value} ${timestamp}`)
  }
  lines.push(`dropped ${driver.droppedRecords}`, '')
  return lines
}

for (const title of Object.keys(programs).filter(title => !lossy.has(title)))
  test(`an aggregation answers as Kafka Streams does: ${title}`, async () => {
    assert.equal((await answersOf(title)).join('\n'), recorded.get(title))
  })

for (const title of lossy)
  test(`no window is lost where Kafka Streams loses some: ${title} (streams facts 2.21)`, async () => {
    const lines = await answersOf(title)
    const left = recorded.get(title)!.split('\n')
    for (const line of lines) if (line === left[0]) left.shift()
    assert.deepEqual(left, [], 'what Kafka Streams tells is told here too, in its order')
    const results = lines.filter(line => line.includes('['))
    assert.ok(
      results.length >
        recorded
          .get(title)!
          .split('\n')
          .filter(line => line.includes('[')).length,
    )
    assert.equal(new Set(results.map(line => line.split(' ')[0])).size, results.length, 'each window once')
  })
