import { tableSource as tableSourceStep } from '../processors/table-source.ts'
import { tableStoreSpec } from '../state/table-store.ts'
import { userTopic } from '../topology/node-spec.ts'
import type { Building, PlanNode } from './building.ts'
import { type NamedOptions, type Serdes, serdesOf, type TableFlow, type TableNode } from './flow.ts'
import { onlyBytes } from './only-bytes.ts'
import { type StoreOption, storeOptionsOf } from './store-option.ts'
import { storeGetter } from './store-table.ts'
import type { SourceOptions } from './stream-source.ts'

export interface TableOptions<K, V> extends NamedOptions, SourceOptions, Serdes<K, V>, StoreOption<K, V> {}

/** A table made of changes that come as records; its store comes into being where it is named, or when somebody needs to read it. */
export interface SourceTable<K, V> extends TableNode<K, V> {
  /** Where its values are kept; undefined as long as nobody needs them. */
  readonly storeName: string | undefined
}

export function sourceTable<K, V>(
  storeName: string,
  isKept: boolean,
  historyMs: number | undefined,
): SourceTable<K, V> {
  const isVersioned = historyMs !== undefined
  let kept = isKept
  let sends = false
  return {
    sendOldValues(force) {
      if (!kept && !force) return false
      kept = true
      sends = true
      return true
    },
    getter() {
      kept = true
      return storeGetter<K, V>(storeName, isVersioned)
    },
    get sendsOldValues() {
      return sends
    },
    get storeName() {
      return kept ? storeName : undefined
    },
    isVersioned,
    historyMs,
  }
}

/** `<topic>-STATE-STORE-…`, `KSTREAM-SOURCE-…`, `KTABLE-SOURCE-…`, numbered in this order; or `<name>-source` and `<name>`. */
export function tableSource<K, V>(building: Building, topic: string, options: TableOptions<K, V>): TableFlow<K, V> {
  const { key, value, timestampOf, offsetReset } = options
  const store = storeOptionsOf(options)
  const storeName = store.name ?? building.names.store(`${topic}-`)
  const source = building.names.node('KSTREAM-SOURCE-', options.name && `${options.name}-source`)
  const name = building.names.node('KTABLE-SOURCE-', options.name)
  const isNamed = store.name !== undefined
  const table = sourceTable<K, V>(storeName, isNamed, store.historyRetentionMs)
  const spec = tableStoreSpec<K, V>({ name: storeName, key, value, options: store })
  const node: PlanNode = building.add({
    name,
    parents: [],
    write(topology) {
      topology.add({
        kind: 'source',
        name: source,
        topics: [userTopic(topic)],
        key: key ?? onlyBytes,
        value: value ?? onlyBytes,
        timestampOf,
        offsetReset,
      })
      const make = () => tableSourceStep(table.storeName, table.sendsOldValues)
      topology.add({ kind: 'processor', name, parents: [source], make })
      if (table.storeName !== undefined) topology.addStateStore(spec, name)
    },
  })
  return {
    building,
    node,
    serdes: serdesOf(key, value),
    sources: new Set([source]),
    table,
    queryableStore: isNamed ? storeName : undefined,
  }
}
