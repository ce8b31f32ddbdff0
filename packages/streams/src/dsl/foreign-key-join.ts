import type { Serde } from '@odradek/client'
import { AnswerSubscription, KeepSubscription, TellSubscribers } from '../foreign-key/answer.ts'
import { combinedKeySerde, responseSerde, subscriptionSerde } from '../foreign-key/formats.ts'
import { Resolve } from '../foreign-key/resolve.ts'
import { Subscribe } from '../foreign-key/subscribe.ts'
import { tableSource as keepResult } from '../processors/table-source.ts'
import type { MaybePromise } from '../record.ts'
import { tableStoreSpec } from '../state/table-store.ts'
import { timestampedStore } from '../state/timestamped-store.ts'
import type { NodeNames } from '../topology/node-names.ts'
import { internalTopic, type StreamPartitioner } from '../topology/node-spec.ts'
import type { Topology } from '../topology/topology.ts'
import { type GetterSupplier, type NamedOptions, serdesOf, type TableFlow } from './flow.ts'
import { onlyBytes } from './only-bytes.ts'
import { type StoreOption, storeOptionsOf } from './store-option.ts'
import { sourceTable } from './table-source.ts'

export interface ForeignKeyJoinOptions<K, G, R> extends NamedOptions, StoreOption<K, R> {
  value?: Serde<R>
  /** Where this table's rows are, where that is not by the bytes of their keys. */
  partitionOf?: (key: K, partitions: number) => number | undefined
  /** Where the other table's rows are, by their keys. */
  otherPartitionOf?: (key: G, partitions: number) => number | undefined
}

export type ForeignKeyJoiner<K, V, W, R> = (value: V, row: W | null, key: K) => MaybePromise<R | null>

export interface ForeignKeyJoin<K, V, G, W, R> {
  foreignKeyOf(value: V, key: K): G | null
  readonly join: ForeignKeyJoiner<K, V, W, R>
  readonly isLeft: boolean
}

/** What the parts of a join share while they are written. */
interface Parts<K, V, G, W, R> extends ForeignKeyJoin<K, V, G, W, R> {
  readonly left: TableFlow<K, V>
  readonly right: TableFlow<G, W>
  readonly leftRows: GetterSupplier<K, V>
  readonly rightRows: GetterSupplier<G, W>
  readonly names: ForeignKeyJoinNames
  readonly options: ForeignKeyJoinOptions<K, G, R>
}

/**
 * A row points to a row of the other table. It subscribes there through one topic, and the answers come back through another
 * (KIP-213): five processors, a store of subscriptions, and the result.
 */
export function foreignKeyJoin<K, V, G, W, R>(
  left: TableFlow<K, V>,
  right: TableFlow<G, W>,
  how: ForeignKeyJoin<K, V, G, W, R>,
  options: ForeignKeyJoinOptions<K, G, R>,
): TableFlow<K, R> {
  const { building } = left
  const store = storeOptionsOf(options)
  left.table.sendOldValues(true)
  const names = namesOf(building.names, options.name)
  const storeName = store.name ?? building.names.store('KTABLE-FK-JOIN-OUTPUT-')
  const table = sourceTable<K, R>(storeName, store.name !== undefined, store.historyRetentionMs)
  const serdes = serdesOf(store.key ?? left.serdes.key, store.value ?? options.value)
  const sources = new Set([...left.sources, names.responseSource])
  const leftRows = left.table.getter()
  const parts = { ...how, left, right, leftRows, rightRows: right.table.getter(), names, options }
  const spec = tableStoreSpec({ name: storeName, ...serdes, options: store })
  const write = (topology: Topology) => {
    writeRegistration(topology, parts)
    writeAnswers(topology, parts)
    writeResolution(topology, parts)
    const make = () => keepResult<K, R>(table.storeName, table.sendsOldValues)
    topology.add({ kind: 'processor', name: names.result, parents: [names.resolve], make })
    if (table.storeName !== undefined) topology.addStateStore(spec, names.result)
    topology.copartition([...right.sources, names.registrationSource])
    topology.copartition([...sources])
  }
  const node = building.add({ name: names.result, parents: [left.node, right.node], write })
  return { building, node, serdes, sources, table, queryableStore: store.name }
}

/** From the table that points, through the topic of subscriptions. */
function writeRegistration<K, V, G, W, R>(topology: Topology, parts: Parts<K, V, G, W, R>): void {
  const { left, right, names, options, foreignKeyOf, isLeft } = parts
  const { key = onlyBytes, value = onlyBytes } = left.serdes
  const { key: foreignKey = onlyBytes } = right.serdes
  const { isVersioned } = left.table
  const make = () => new Subscribe<K, V, G>({ foreignKeyOf, foreignKey, value, isLeft, isVersioned })
  topology.add({ kind: 'processor', name: names.subscribe, parents: [left.node.name], make })
  const topic = internalTopic(names.registrationTopic)
  const serdes = { key: foreignKey, value: subscriptionSerde(key) }
  const partitionOf = byKey(options.otherPartitionOf)
  topology.add({
    kind: 'sink',
    name: names.registrationSink,
    parents: [names.subscribe],
    topic,
    ...serdes,
    partitionOf,
  })
  topology.add({ kind: 'source', name: names.registrationSource, topics: [topic], ...serdes })
}

/** At the table that is pointed to: answers go out when somebody subscribes, and when a row changes. */
function writeAnswers<K, V, G, W, R>(topology: Topology, parts: Parts<K, V, G, W, R>): void {
  const { left, right, rightRows, names, options } = parts
  const { key: foreignKey = onlyBytes, value: foreignValue = onlyBytes } = right.serdes
  const { key = onlyBytes } = left.serdes
  const { subscriptions: store } = names
  const { isVersioned } = right.table
  const keep = () => new KeepSubscription<G, K>(store)
  topology.add({ kind: 'processor', name: names.keep, parents: [names.registrationSource], make: keep })
  const answer = () => new AnswerSubscription<G, K, W>(rightRows)
  topology.add({ kind: 'processor', name: names.answer, parents: [names.keep], make: answer })
  const tell = () => new TellSubscribers<G, K, W>({ store, key: foreignKey, isVersioned })
  topology.add({ kind: 'processor', name: names.tell, parents: [right.node.name], make: tell })
  const kept = { key: combinedKeySerde<G, K>(foreignKey, key), value: subscriptionSerde<K>(key) }
  topology.addStateStore(
    timestampedStore({ name: store, ...kept, options: { caching: false } }),
    names.keep,
    names.tell,
  )
  topology.connectProcessorAndStateStores(names.answer, ...rightRows.stores)
  const partitionOf = byKey(options.partitionOf) ?? whoAsked
  topology.add({
    kind: 'sink',
    name: names.responseSink,
    parents: [names.answer, names.tell],
    topic: internalTopic(names.responseTopic),
    key,
    value: responseSerde<W>(foreignValue),
    partitionOf,
  })
}

/** Back at the table that points. */
function writeResolution<K, V, G, W, R>(topology: Topology, parts: Parts<K, V, G, W, R>): void {
  const { left, right, leftRows: rows, names, isLeft, join } = parts
  const { key = onlyBytes, value = onlyBytes } = left.serdes
  topology.add({
    kind: 'source',
    name: names.responseSource,
    topics: [internalTopic(names.responseTopic)],
    key,
    value: responseSerde<W>(right.serdes.value ?? onlyBytes),
  })
  const make = () => new Resolve<K, V, W, R>({ rows, value, isLeft, join })
  topology.add({ kind: 'processor', name: names.resolve, parents: [names.responseSource], make })
  topology.connectProcessorAndStateStores(names.resolve, ...rows.stores)
}

const whoAsked: StreamPartitioner = (_, { primaryPartition }) => primaryPartition

const byKey = (partitionOf: ((key: any, partitions: number) => number | undefined) | undefined) =>
  partitionOf && ((key: any, _: any, { partitions }: { partitions: number }) => partitionOf(key, partitions))

type ForeignKeyJoinNames = ReturnType<typeof namesOf>

/** In the order in which Kafka Streams takes them: topics are named after the numbers. */
function namesOf(names: NodeNames, name: string | undefined) {
  const of = (prefix: string, part: string) => names.node(prefix, name && `${name}-${part}`)
  const registration = 'subscription-registration'
  const processor = 'KTABLE-FK-JOIN-SUBSCRIPTION-PROCESSOR-'
  return {
    registrationTopic: `${of('KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-', registration)}-topic`,
    subscribe: of('KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-', `${registration}-processor`),
    registrationSink: of('KTABLE-SINK-', `${registration}-sink`),
    registrationSource: of('KTABLE-SOURCE-', `${registration}-source`),
    subscriptions: of('KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE-', 'subscription-store'),
    keep: of(processor, 'subscription-receive'),
    answer: of(processor, 'subscription-join-foreign'),
    tell: of(processor, 'foreign-join-subscription'),
    responseTopic: `${of('KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-', 'subscription-response')}-topic`,
    responseSink: of('KTABLE-SINK-', 'subscription-response-sink'),
    responseSource: of('KTABLE-SOURCE-', 'subscription-response-source'),
    resolve: of('KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR-', 'subscription-response-resolver'),
    result: of('KTABLE-FK-JOIN-OUTPUT-', 'result'),
  }
}
