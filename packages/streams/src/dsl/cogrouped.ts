import type { Folding } from '../processors/folding.ts'
import { passThrough } from '../processors/stateless.ts'
import type { MaybePromise } from '../record.ts'
import { resultOf } from './aggregated.ts'
import type { AggregateOptions, Aggregation } from './aggregation.ts'
import { serdesOf, type TableFlow } from './flow.ts'
import type { Grouping } from './grouping.ts'

/** A grouping that has a part in an aggregate, and how its values go into it. */
export interface Contribution<K, A> {
  readonly grouping: Grouping<K, any>
  next(aggregate: A, value: any, key: K): MaybePromise<A | null>
}

/** A processor for each grouping, all with one store, and a node that brings together what they pass on. */
export function cogrouped<K, KR, A>(
  contributions: readonly Contribution<K, A>[],
  aggregation: Aggregation<K, KR, A>,
  initial: () => MaybePromise<A>,
  options: AggregateOptions<K, A>,
): TableFlow<KR, A> {
  const { building, serdes } = contributions[0]!.grouping.flow
  const names = building.names
  const suffixed = (suffix: string) => (options.name === undefined ? undefined : options.name + suffix)
  const result = resultOf(aggregation, serdes.key, options, () => names.store('COGROUPKSTREAM-AGGREGATE-'))
  const { storeName, isNamed, table, spec } = result
  const flows = contributions.map(({ grouping }) => grouping.partitioned(storeName, true))
  const sources = new Set(flows.flatMap(flow => [...flow.sources]))
  const parts = contributions.map(({ next }, at) => {
    const parent = flows[at]!.node
    const name = names.node('COGROUPKSTREAM-AGGREGATE-', suffixed(`-cogroup-agg-${at}`))
    const folding: Folding<K, any, A> = { initial, next: (aggregate, value, key) => next(aggregate!, value, key) }
    return building.add({
      name,
      parents: [parent],
      windowGraceMs: aggregation.graceMs,
      write(topology) {
        const make = () => aggregation.processor(storeName, folding, table.sendsOldValues)
        topology.add({ kind: 'processor', name, parents: [parent.name], make })
        topology.addStateStore(spec, name)
      },
    })
  })
  const merged = names.node('COGROUPKSTREAM-MERGE-', suffixed('-cogroup-merge'))
  const node = building.add({
    name: merged,
    parents: parts,
    write(topology) {
      topology.add({ kind: 'processor', name: merged, parents: parts.map(({ name }) => name), make: passThrough })
      if (sources.size > 1) topology.copartition([...sources])
    },
  })
  return {
    building,
    node,
    sources,
    serdes: serdesOf(result.key, result.value),
    table,
    queryableStore: isNamed ? storeName : undefined,
  }
}
