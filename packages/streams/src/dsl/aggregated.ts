import type { Serde } from '@odradek/client'
import { counting, type Folding } from '../processors/folding.ts'
import type { StoreSpec } from '../state/state-store.ts'
import type { AggregateOptions, Aggregation } from './aggregation.ts'
import { serdesOf, type TableFlow, type TableNode } from './flow.ts'
import type { Grouping } from './grouping.ts'
import { storeOptionsOf } from './store-option.ts'

/** What is generated is called so: 'KSTREAM-AGGREGATE-', 'KSTREAM-REDUCE-'. */
type Prefix = 'KSTREAM-AGGREGATE-' | 'KSTREAM-REDUCE-'

/** A store for results, its table, and what makes the processors that fill it. */
export interface Result<KR, A> {
  readonly storeName: string
  readonly isNamed: boolean
  readonly table: TableNode<KR, A>
  readonly key: Serde<KR> | undefined
  readonly value: Serde<A> | undefined
  readonly spec: StoreSpec
}

export function resultOf<K, KR, A>(
  aggregation: Aggregation<K, KR, A>,
  key: Serde<K> | undefined,
  options: AggregateOptions<K, A>,
  generateName: () => string,
): Result<KR, A> {
  const given = storeOptionsOf(options)
  const storeName = given.name ?? generateName()
  const inner = given.key ?? key
  const value = given.value ?? options.value
  return {
    storeName,
    isNamed: given.name !== undefined,
    table: aggregation.table(storeName, given.historyRetentionMs !== undefined),
    key: aggregation.resultKey(inner),
    value,
    spec: aggregation.store({ name: storeName, key: inner, value, options: given }),
  }
}

/** Store, processor, repartition topic: numbered in this order, as in Kafka Streams. */
export function aggregated<K, V, KR, A>(
  grouping: Grouping<K, V>,
  aggregation: Aggregation<K, KR, A>,
  folding: Folding<K, V, A>,
  options: AggregateOptions<K, A> & { prefix: Prefix },
): TableFlow<KR, A> {
  const { building, serdes } = grouping.flow
  const { prefix } = options
  // Kafka Streams lets a count that is told how to keep its store, but not its name, use up a number more.
  if (folding === counting && options.store !== undefined && storeOptionsOf(options).name === undefined)
    building.names.store(prefix)
  const result = resultOf(aggregation, serdes.key, options, () => building.names.store(prefix))
  const { storeName, isNamed, table, spec } = result
  const name = building.names.node(prefix, options.name)
  const from = grouping.partitioned(storeName, isNamed)
  const node = building.add({
    name,
    parents: [from.node],
    windowGraceMs: aggregation.graceMs,
    write(topology) {
      const make = () => aggregation.processor(storeName, folding, table.sendsOldValues)
      topology.add({ kind: 'processor', name, parents: [from.node.name], make })
      topology.addStateStore(spec, name)
    },
  })
  return {
    building,
    node,
    sources: from.sources,
    serdes: serdesOf(result.key, result.value),
    table,
    queryableStore: isNamed ? storeName : undefined,
  }
}
