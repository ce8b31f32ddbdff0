import type { Serde } from '@odradek/client'
import { mapped, type TableMapping, tableMap as tableMapStep } from '../processors/table-map.ts'
import { tableStoreSpec } from '../state/table-store.ts'
import { type GetterSupplier, type NamedOptions, serdesOf, type TableFlow, type TableNode } from './flow.ts'
import { type StoreOption, storeOptionsOf } from './store-option.ts'
import { storeGetter } from './store-table.ts'

export interface TableMapOptions<K, V> extends NamedOptions, StoreOption<K, V> {
  value?: Serde<V>
}

export const filterTable = <K, V>(
  flow: TableFlow<K, V>,
  predicate: (value: V, key: K) => boolean,
  options: TableMapOptions<K, V> & { wanted: boolean },
): TableFlow<K, V> =>
  tableMap(flow, 'KTABLE-FILTER-', (value, key) => (predicate(value, key) === options.wanted ? value : null), {
    ...options,
    ...(flow.serdes.value && { value: flow.serdes.value }),
    isFilter: true,
  })

export const mapTableValues = <K, V, W>(
  flow: TableFlow<K, V>,
  map: TableMapping<K, V, W>,
  options: TableMapOptions<K, W>,
): TableFlow<K, W> => tableMap(flow, 'KTABLE-MAPVALUES-', map, options)

/** A store that is asked for without a name uses up a number and has no name: it is not kept, as in Kafka Streams. */
function tableMap<K, V, W>(
  flow: TableFlow<K, V>,
  prefix: string,
  mapping: TableMapping<K, V, W>,
  options: TableMapOptions<K, W> & { isFilter?: boolean },
): TableFlow<K, W> {
  const { building, node: parent, sources } = flow
  const store = storeOptionsOf(options)
  if (options.store !== undefined && store.name === undefined) building.names.store(prefix)
  const name = building.names.node(prefix, options.name)
  const key = store.key ?? flow.serdes.key
  const value = store.value ?? options.value
  const table = mappedTable<K, V, W>(flow.table, mapping, store.name, store.historyRetentionMs !== undefined)
  // A filter takes old values where they are to be had: then it need not tell that what was not there is still not there.
  const isFilter = prefix === 'KTABLE-FILTER-'
  if (isFilter && flow.table.sendOldValues(false)) table.sendOldValues(false)
  const node = building.add({
    name,
    parents: [parent],
    write(topology) {
      const make = () =>
        tableMapStep(mapping, {
          store: store.name,
          sendsOldValues: table.sendsOldValues,
          passesNullAfterNull: !options.isFilter || flow.table.isVersioned,
        })
      topology.add({ kind: 'processor', name, parents: [parent.name], make })
      if (store.name === undefined) return
      topology.addStateStore(tableStoreSpec<K, W>({ name: store.name, key, value, options: store }), name)
    },
  })
  return { building, node, sources, serdes: serdesOf(key, value), table, queryableStore: store.name }
}

function mappedTable<K, V, W>(
  above: TableNode<K, V>,
  mapping: TableMapping<K, V, W>,
  store: string | undefined,
  isVersioned: boolean,
): TableNode<K, W> {
  let sends = false
  return {
    sendOldValues(force) {
      sends ||= store !== undefined || above.sendOldValues(force)
      return sends
    },
    get sendsOldValues() {
      return sends
    },
    getter: () => (store === undefined ? mappedGetter(above.getter(), mapping) : storeGetter(store, isVersioned)),
    isVersioned: store === undefined ? above.isVersioned : isVersioned,
  }
}

function mappedGetter<K, V, W>(above: GetterSupplier<K, V>, mapping: TableMapping<K, V, W>): GetterSupplier<K, W> {
  return {
    stores: above.stores,
    make() {
      const getter = above.make()
      const read = (key: K, found: { value: V; timestamp: number } | undefined) => {
        const value = found === undefined ? null : mapped(mapping, found.value, key)
        return value === null ? undefined : { value, timestamp: found!.timestamp }
      }
      return {
        init: context => getter.init(context),
        get: key => read(key, getter.get(key)),
        getAsOf: (key, timestamp) => read(key, getter.getAsOf(key, timestamp)),
        isVersioned: getter.isVersioned,
      }
    },
  }
}
