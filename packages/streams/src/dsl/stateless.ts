/** Operators of streams that look at one record at a time: from one flow to the next. */
import { type Serde, UsageError } from '@odradek/client'
import type { Processor } from '../processor.ts'
import { selectKey as selectKeyStep } from '../processors/select-key.ts'
import * as steps from '../processors/stateless.ts'
import type { MaybePromise } from '../record.ts'
import { type StreamPartitioner, type TopicChoice, userTopic } from '../topology/node-spec.ts'
import { below, type NamedOptions, processorStep, type Serdes, type StreamFlow, serdesOf } from './flow.ts'
import { onlyBytes } from './only-bytes.ts'
import { repartition } from './repartition.ts'
import { mustBeOptions } from './store-option.ts'
import { windowPartitioner } from './windowed-serde.ts'

interface Stateless<K, V> {
  readonly prefix: string
  readonly name: string | undefined
  readonly serdes: Serdes<K, V>
  readonly changesKey?: boolean
  make(): Processor
}

function stateless<K, V>(flow: StreamFlow, { prefix, name, serdes, changesKey = false, make }: Stateless<K, V>) {
  const node = flow.building.names.node(prefix, name)
  const step = { ...processorStep(node, [flow.node.name], make), changesKey }
  return below<K, V>(flow, step, { serdes, keyChanged: flow.keyChanged || changesKey })
}

export const filter = <K, V>(
  flow: StreamFlow<K, V>,
  predicate: steps.Predicate<K, V>,
  { name, wanted }: NamedOptions & { wanted: boolean },
): StreamFlow<K, V> =>
  stateless(flow, {
    prefix: 'KSTREAM-FILTER-',
    name,
    serdes: flow.serdes,
    make: () => steps.filter(predicate, wanted),
  })

export const selectKey = <K, V, G>(
  flow: StreamFlow<K, V>,
  select: (value: V, key: K) => MaybePromise<G>,
  { name, key }: NamedOptions & { key?: Serde<G> },
): StreamFlow<G, V> =>
  stateless(flow, {
    prefix: 'KSTREAM-KEY-SELECT-',
    name,
    serdes: serdesOf(key, flow.serdes.value),
    changesKey: true,
    make: () => selectKeyStep(select),
  })

export const map = <K, V, G, W>(
  flow: StreamFlow<K, V>,
  mapper: (value: V, key: K) => MaybePromise<readonly [G, W]>,
  { name, key, value }: NamedOptions & Serdes<G, W>,
): StreamFlow<G, W> =>
  stateless(flow, {
    prefix: 'KSTREAM-MAP-',
    name,
    serdes: serdesOf(key, value),
    changesKey: true,
    make: () => steps.map(mapper),
  })

export const mapValues = <K, V, W>(
  flow: StreamFlow<K, V>,
  mapper: (value: V, key: K) => MaybePromise<W>,
  { name, value }: NamedOptions & { value?: Serde<W> },
): StreamFlow<K, W> =>
  stateless(flow, {
    prefix: 'KSTREAM-MAPVALUES-',
    name,
    serdes: serdesOf(flow.serdes.key, value),
    make: () => steps.mapValues(mapper),
  })

export const flatMap = <K, V, G, W>(
  flow: StreamFlow<K, V>,
  mapper: (value: V, key: K) => steps.Several<readonly [G, W]>,
  { name, key, value }: NamedOptions & Serdes<G, W>,
): StreamFlow<G, W> =>
  stateless(flow, {
    prefix: 'KSTREAM-FLATMAP-',
    name,
    serdes: serdesOf(key, value),
    changesKey: true,
    make: () => steps.flatMap(mapper),
  })

export const flatMapValues = <K, V, W>(
  flow: StreamFlow<K, V>,
  mapper: (value: V, key: K) => steps.Several<W>,
  { name, value }: NamedOptions & { value?: Serde<W> },
): StreamFlow<K, W> =>
  stateless(flow, {
    prefix: 'KSTREAM-FLATMAPVALUES-',
    name,
    serdes: serdesOf(flow.serdes.key, value),
    make: () => steps.flatMapValues(mapper),
  })

export const peek = <K, V>(
  flow: StreamFlow<K, V>,
  look: (value: V, key: K) => MaybePromise<unknown>,
  { name }: NamedOptions,
): StreamFlow<K, V> =>
  stateless(flow, { prefix: 'KSTREAM-PEEK-', name, serdes: flow.serdes, make: () => steps.peek(look) })

export function foreach<K, V>(
  flow: StreamFlow<K, V>,
  take: (value: V, key: K) => MaybePromise<unknown>,
  { name, prefix = 'KSTREAM-FOREACH-' }: NamedOptions & { prefix?: string },
): void {
  stateless(flow, { prefix, name, serdes: flow.serdes, make: () => steps.foreach(take) })
}

/** Both, as they come: each in its order, and none before the other for certain. */
export function merge<K, V>(one: StreamFlow<K, V>, other: StreamFlow<K, V>, { name }: NamedOptions): StreamFlow<K, V> {
  const { building } = one
  const merged = building.names.node('KSTREAM-MERGE-', name)
  const node = building.add({
    ...processorStep(merged, [one.node.name, other.node.name], steps.passThrough),
    parents: [one.node, other.node],
  })
  return {
    building,
    node,
    serdes: one.serdes,
    keyChanged: one.keyChanged || other.keyChanged,
    sources: new Set([...one.sources, ...other.sources]),
  }
}

export interface RepartitionedOptions<K, V> extends NamedOptions, Serdes<K, V> {
  /** Default: as many as the widest topic that feeds it. */
  partitions?: number
  partitionOf?: StreamPartitioner<K, V>
}

export function repartitioned<K, V>(flow: StreamFlow<K, V>, options: RepartitionedOptions<K, V>): StreamFlow<K, V> {
  mustBeOptions(options)
  const { partitions } = options
  if (partitions !== undefined && !(Number.isSafeInteger(partitions) && partitions > 0))
    throw new UsageError(`\`partitions\` of a repartition is ${partitions}: write a whole number, at least 1.`)
  const name = options.name ?? flow.building.names.node('KSTREAM-REPARTITION-')
  return repartition(flow, {
    name,
    isNamed: options.name !== undefined,
    key: options.key ?? flow.serdes.key,
    value: options.value ?? flow.serdes.value,
    partitions,
    partitionOf: options.partitionOf,
  })
}

export interface SinkOptions<K, V> extends NamedOptions, Serdes<NonNullable<K>, NonNullable<V>> {
  /** Default: by the key's bytes, as everywhere in Kafka. */
  partitionOf?: StreamPartitioner<K, V>
}

export function sink<K, V>(flow: StreamFlow<K, V>, topic: string | TopicChoice, options: SinkOptions<K, V>): void {
  mustBeOptions(options)
  const { building, node, serdes } = flow
  const name = building.names.node('KSTREAM-SINK-', options.name)
  const { key = serdes.key ?? onlyBytes, value = serdes.value ?? onlyBytes, partitionOf } = options
  const to = typeof topic === 'string' ? userTopic(topic) : topic
  building.add({
    name,
    parents: [node],
    write: topology =>
      topology.add({
        kind: 'sink',
        name,
        parents: [node.name],
        topic: to,
        key,
        value,
        partitionOf: partitionOf ?? windowPartitioner(key),
      }),
  })
}
