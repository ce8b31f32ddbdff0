import { Regroup, type Regrouping } from '../processors/regroup.ts'
import { TableAggregate, type TableFolding } from '../processors/table-aggregate.ts'
import { internalTopic } from '../topology/node-spec.ts'
import { resultOf } from './aggregated.ts'
import { type AggregateOptions, keyed } from './aggregation.ts'
import type { PlanNode } from './building.ts'
import { changeSerde } from './change-serde.ts'
import { type NamedOptions, processorStep, type Serdes, serdesOf, type TableFlow } from './flow.ts'
import { onlyBytes } from './only-bytes.ts'
import { mustBeOptions } from './store-option.ts'

/** Rows of a table by a new key: changes go through a repartition topic, and a grouping with a name has one for all its aggregations. */
export interface TableGrouping<G = any, W = any> {
  readonly flow: TableFlow
  readonly node: PlanNode
  readonly serdes: Serdes<G, W>
  readonly name: string | undefined
  /** The source of the topic, once a named grouping has one. */
  shared?: PlanNode
}

export function tableGrouping<K, V, G, W>(
  flow: TableFlow<K, V>,
  select: Regrouping<K, V, G, W>,
  options: Serdes<G, W> & NamedOptions,
): TableGrouping<G, W> {
  const { building, node: parent } = flow
  const { key, value } = options
  mustBeOptions(options)
  const name = building.names.node('KTABLE-SELECT-', options.name)
  const node = building.add({
    ...processorStep(name, [parent.name], () => new Regroup(select, key ?? onlyBytes)),
    parents: [parent],
    changesKey: true,
  })
  flow.table.sendOldValues(true)
  return { flow, node, serdes: serdesOf(key, value), name: options.name }
}

/** Store, sink, source and processor: numbered in this order, as in Kafka Streams. */
export function tableAggregated<G, W, A>(
  grouping: TableGrouping<G, W>,
  folding: TableFolding<G, W, A>,
  options: AggregateOptions<G, A> & { prefix: 'KTABLE-AGGREGATE-' | 'KTABLE-REDUCE-' },
): TableFlow<G, A> {
  const { building } = grouping.flow
  const { names } = building
  const suffixed = (suffix: string) => (options.name === undefined ? undefined : options.name + suffix)
  const result = resultOf(keyed<G, A>(), grouping.serdes.key, options, () => names.store('KTABLE-AGGREGATE-'))
  const { storeName, isNamed, table, spec } = result
  const sink = names.node('KSTREAM-SINK-', suffixed('-sink'))
  const source = names.node('KSTREAM-SOURCE-', suffixed('-source'))
  const name = names.node(options.prefix, options.name)
  const from = grouping.shared ?? repartitioned(grouping, { sink, source, topic: grouping.name ?? storeName })
  if (grouping.name !== undefined) grouping.shared = from
  const node = building.add({
    name,
    parents: [from],
    write(topology) {
      const make = () => new TableAggregate(storeName, folding, table.sendsOldValues)
      topology.add({ kind: 'processor', name, parents: [from.name], make })
      topology.addStateStore(spec, name)
    },
  })
  return {
    building,
    node,
    sources: new Set([from.name]),
    serdes: serdesOf(result.key, result.value),
    table,
    queryableStore: isNamed ? storeName : undefined,
  }
}

function repartitioned(
  { flow, node, serdes }: TableGrouping,
  names: { sink: string; source: string; topic: string },
): PlanNode {
  const { sink, source } = names
  const topic = internalTopic(`${names.topic}-repartition`)
  const { key = onlyBytes } = serdes
  const value = changeSerde(serdes.value ?? onlyBytes)
  return flow.building.add({
    name: source,
    parents: [node],
    write(topology) {
      topology.add({ kind: 'sink', name: sink, parents: [node.name], topic, key, value })
      topology.add({ kind: 'source', name: source, topics: [topic], key, value })
    },
  })
}
