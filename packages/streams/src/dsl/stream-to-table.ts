import { tableSource as tableSourceStep } from '../processors/table-source.ts'
import { tableStoreSpec } from '../state/table-store.ts'
import { type NamedOptions, type Serdes, type StreamFlow, serdesOf, type TableFlow } from './flow.ts'
import { repartition } from './repartition.ts'
import { type StoreOption, storeOptionsOf } from './store-option.ts'
import { sourceTable } from './table-source.ts'

export interface ToTableOptions<K, V> extends NamedOptions, Serdes<K, V>, StoreOption<K, V> {}

/** Every record replaces the one before of its key (KIP-523). */
export function streamToTable<K, V>(flow: StreamFlow<K, V>, options: ToTableOptions<K, V>): TableFlow<K, V> {
  const { building } = flow
  const { key, value } = { ...flow.serdes, ...serdesOf(options.key, options.value) }
  const name = building.names.node('KSTREAM-TOTABLE-', options.name)
  const store = storeOptionsOf(options)
  const storeName = store.name ?? building.names.store('KSTREAM-TOTABLE-')
  const from = flow.keyChanged ? repartition(flow, { name, isNamed: options.name !== undefined, key, value }) : flow
  const isNamed = store.name !== undefined
  const table = sourceTable<K, V>(storeName, isNamed, store.historyRetentionMs)
  const spec = tableStoreSpec<K, V>({ name: storeName, key, value, options: store })
  const node = building.add({
    name,
    parents: [from.node],
    write(topology) {
      const make = () => tableSourceStep(table.storeName, table.sendsOldValues)
      topology.add({ kind: 'processor', name, parents: [from.node.name], make })
      if (table.storeName !== undefined) topology.addStateStore(spec, name)
    },
  })
  const queryableStore = isNamed ? storeName : undefined
  return { building, node, serdes: serdesOf(key, value), sources: from.sources, table, queryableStore }
}
