import { serde } from '@odradek/client'
import { type KStream, StreamsBuilder, type Topology } from '../index.ts'
import { keyValueStore } from '../state/key-value-store.ts'
import { describedAsByKafka } from '../testing/kafka-descriptions.ts'

const text = { key: serde.string, value: serde.string }
const always = () => true
const never = () => false
const same = (value: string) => value
const several = (value: string) => [value]
const flip = (value: string, key: string) => [value, key] as const
const nothing = () => {}
const passing = () => ({ process: nothing })
const store = (name: string) => keyValueStore({ name, ...text })

type Text = KStream<string, string>
const read = (builder: StreamsBuilder, topics: string | string[], name?: string): Text =>
  builder.stream(topics, name === undefined ? text : { ...text, name })

const programs: Record<string, (builder: StreamsBuilder) => void> = {
  'filter, filterNot': builder => {
    const stream = read(builder, 'in')
    stream.filter(always).to('kept')
    stream.filterNot(always).to('rest')
  },
  'every step unnamed': builder =>
    read(builder, 'in')
      .filter(always)
      .filterNot(always)
      .selectKey(same)
      .map(flip)
      .mapValues(same)
      .flatMap((value, key) => [flip(value, key)])
      .flatMapValues(several)
      .peek(nothing)
      .foreach(nothing),
  'every step named': builder =>
    read(builder, 'in', 'the-source')
      .filter(always, { name: 'a' })
      .filterNot(always, { name: 'b' })
      .selectKey(same, { name: 'c' })
      .map(flip, { name: 'd' })
      .mapValues(same, { name: 'e' })
      .flatMap((value, key) => [flip(value, key)], { name: 'f' })
      .flatMapValues(several, { name: 'g' })
      .peek(nothing, { name: 'h' })
      .foreach(nothing, { name: 'i' }),
  print: builder => {
    read(builder, 'in').log('in')
    read(builder, 'in2').log('in2', { name: 'shown' })
  },
  'split unnamed, no rest': builder => {
    const { first, second } = read(builder, 'in').split({ first: always, second: never })
    first.to('out0')
    second.to('out1')
  },
  'split unnamed, rest': builder => {
    const { first, second, others } = read(builder, 'in').split({ first: always, second: never }, { rest: 'others' })
    first.to('one')
    second.to('two')
    others.to('others')
  },
  'split named, rest named': builder => {
    const options = { name: 'by-size-', rest: 'small' } as const
    const { large, middle, small } = read(builder, 'in').split({ large: always, middle: never }, options)
    large.to('one')
    middle.to('two')
    small.to('others')
  },
  merge: builder => read(builder, 'a').merge(read(builder, 'b')).to('out'),
  'merge named, of one stream twice': builder => {
    const stream = read(builder, 'in')
    stream.filter(always).merge(stream.mapValues(same), { name: 'both' }).to('out')
  },
  'merge keeps that the key changed': builder =>
    read(builder, 'a').merge(read(builder, 'b').selectKey(same)).groupByKey().count({ store: 'counts' }),
  'repartition unnamed': builder => read(builder, 'in').repartition().to('out'),
  'repartition named': builder =>
    read(builder, 'in').selectKey(same).repartition({ name: 'mine' }).groupByKey().count({ store: 'counts' }),
  'repartition of two': builder => {
    const stream = read(builder, 'in').selectKey(same)
    stream.repartition().to('out1')
    stream.repartition({ partitions: 3 }).to('out2')
  },
  'sink named, sink chosen': builder => read(builder, 'in').to('out', { name: 'written' }),
  'toTable unnamed': builder => read(builder, 'in').toTable(),
  'toTable named': builder => read(builder, 'in').toTable({ name: 'latest' }).toStream().to('out'),
  'toTable store': builder => read(builder, 'in').toTable({ store: 'rows' }).toStream().to('out'),
  'toTable named, store': builder =>
    read(builder, 'in').toTable({ name: 'latest', store: 'rows' }).toStream().to('out'),
  'toTable of changed keys': builder => read(builder, 'in').selectKey(same).toTable().toStream().to('out'),
  'toTable of changed keys, named, store': builder =>
    read(builder, 'in').selectKey(same).toTable({ name: 'latest', store: 'rows' }).toStream().to('out'),
  'process unnamed, without stores': builder => read(builder, 'in').process(passing).to('out'),
  'process and group': builder => read(builder, 'in').process(passing).groupByKey().count({ store: 'counts' }),
  'processValues and group': builder =>
    read(builder, 'in').processValues(passing).groupByKey().count({ store: 'counts' }),
  'process named, with stores of the builder': builder => {
    builder.addStateStore(store('one')).addStateStore(store('two'))
    read(builder, 'in')
      .process(passing, { name: 'mine', stores: ['two', 'one'] })
      .to('out')
  },
  'two processors share a store': builder => {
    builder.addStateStore(store('shared'))
    read(builder, 'in1').process(passing, { stores: ['shared'] })
    read(builder, 'in2').processValues(passing, { stores: ['shared'] })
  },
  'table unnamed': builder => builder.table('in', text).toStream().to('out'),
  'table with store': builder =>
    builder
      .table('in', { ...text, store: 'rows' })
      .toStream()
      .to('out'),
  'table named': builder =>
    builder
      .table('in', { ...text, name: 'people' })
      .toStream()
      .to('out'),
  'table named, store': builder =>
    builder
      .table('in', { ...text, name: 'people', store: 'rows' })
      .toStream({ name: 'changes' })
      .to('out'),
  'table that nobody uses': builder => builder.table('in'),
  'table filter, mapValues': builder =>
    builder.table('in', text).filter(always).filterNot(never).mapValues(same).toStream().to('out'),
  'table filter, mapValues named': builder =>
    builder
      .table('in', text)
      .filter(always, { name: 'f' })
      .filterNot(never, { name: 'g' })
      .mapValues(same, { name: 'h' })
      .toStream()
      .to('out'),
  'table filter, mapValues kept': builder =>
    builder
      .table('in', text)
      .filter(always, { store: 'kept' })
      .filterNot(never, { store: 'left' })
      .mapValues(same, { store: 'mapped' })
      .toStream()
      .to('out'),
  'table filter, mapValues named and kept': builder =>
    builder
      .table('in', { ...text, store: 'rows' })
      .filter(always, { name: 'f', store: 'kept' })
      .mapValues(same, { name: 'h', store: 'mapped' })
      .toStream()
      .to('out'),
  'table kept without a name': builder =>
    builder
      .table('in', { store: text })
      .filter(always, { store: text })
      .mapValues(same, { store: text })
      .toStream()
      .to('out'),
  'table toStream with new keys': builder =>
    builder
      .table('in', text)
      .toStream({ select: (value: string | null) => value })
      .to('out'),
  'table toStream with new keys, named, grouped': builder =>
    builder
      .table('in', text)
      .toStream({ name: 'changes', select: (value: string | null) => value })
      .groupByKey()
      .count({ store: 'counts' }),
  'versioned table': builder =>
    builder
      .table('in', { ...text, store: { name: 'rows', historyRetentionMs: 3_600_000 } })
      .toStream()
      .to('out'),
  pattern: builder => builder.stream(/in-.*/, text).to('out'),
  'one stream, many ways': builder => {
    const stream = read(builder, 'in')
    stream.to('z')
    stream.mapValues(same).filter(always).to('y')
    stream.filter(always).mapValues(same).peek(nothing).to('x')
    stream.peek(nothing)
    stream.to('w')
    stream.mapValues(same).to('v')
  },
  'named, many ways': builder => {
    const stream = read(builder, 'in', 'start')
    stream.mapValues(same, { name: 'm' }).to('out1', { name: 'q' })
    stream.filter(always, { name: 'z' }).filter(always, { name: 'y' }).to('out2', { name: 'b' })
    stream.filter(always, { name: 'a' }).to('out3', { name: 'x' })
    stream.to('out4', { name: 'k' })
  },
  'a diamond': builder => {
    const stream = read(builder, 'in')
    const left = stream.filter(always)
    const right = stream.mapValues(same).mapValues(same)
    const both = left.merge(right)
    both.to('out1')
    both.peek(nothing).to('out2')
    right.to('out3')
  },
  'named sources, z before a': builder => {
    read(builder, 'in1', 'z').to('out1')
    read(builder, 'in2', 'a').to('out2')
    read(builder, 'in3').to('out3')
  },
  'named grouping, z before a': builder => {
    const counts = read(builder, 'in').groupBy(same, { name: 'b' }).count({ store: 'two' }).toStream()
    counts.groupBy((_, key) => key, { name: 'a' }).count({ store: 'one' })
  },
  'global store of the builder': builder => {
    builder.addGlobalStore(keyValueStore({ name: 'g', ...text, options: { logging: false } }), {
      topic: 'gtopic',
      ...text,
      processor: passing,
    })
    read(builder, 'in').process(passing).to('out')
  },
}

const built = (write: (builder: StreamsBuilder) => void) => (): Topology => {
  const builder = new StreamsBuilder()
  write(builder)
  return builder.build()
}

describedAsByKafka(
  new URL('kafka-descriptions-stateless.txt', import.meta.url),
  Object.fromEntries(Object.entries(programs).map(([title, write]) => [title, built(write)])),
)
