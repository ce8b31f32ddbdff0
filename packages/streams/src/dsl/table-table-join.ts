import { type Serde, UsageError } from '@odradek/client'
import { isPromise } from '../processor.ts'
import { keepTable } from '../processors/keep-table.ts'
import { joinedGetter, tableTableJoin as joinStep } from '../processors/table-table-join.ts'
import type { MaybePromise } from '../record.ts'
import { tableStoreSpec } from '../state/table-store.ts'
import type { Topology } from '../topology/topology.ts'
import { type NamedOptions, serdesOf, type TableFlow, type TableNode } from './flow.ts'
import { type StoreOption, storeOptionsOf } from './store-option.ts'
import { storeGetter } from './store-table.ts'

export interface TableJoinOptions<K, R> extends NamedOptions, StoreOption<K, R> {
  value?: Serde<R>
}

export type JoinKind = 'inner' | 'left' | 'outer'

export type TableJoiner<K, V, W, R> = (left: V | null, right: W | null, key: K) => MaybePromise<R | null>

/** Two processors that each look at the other table, and a third that brings their results together (and keeps them). */
export function tableTableJoin<K, V, W, R>(
  left: TableFlow<K, V>,
  right: TableFlow<K, W>,
  joiner: TableJoiner<K, V, W, R>,
  { kind, ...options }: TableJoinOptions<K, R> & { kind: JoinKind },
): TableFlow<K, R> {
  const { building } = left
  const store = storeOptionsOf(options)
  const storeName = store.name ?? (options.store === undefined ? undefined : building.names.store('KTABLE-MERGE-'))
  const name = building.names.node('KTABLE-MERGE-', options.name)
  const needs = { left: kind !== 'outer', right: kind === 'inner' }
  if (!needs.right) left.table.sendOldValues(true)
  if (!needs.left) right.table.sendOldValues(true)
  const nameOf = (prefix: string, part: string) =>
    building.names.node(prefix, options.name && `${options.name}-${part}`)
  const thisName = nameOf('KTABLE-JOINTHIS-', 'join-this')
  const otherName = nameOf('KTABLE-JOINOTHER-', 'join-other')
  const leftGetter = left.table.getter()
  const rightGetter = right.table.getter()
  const isVersioned = store.historyRetentionMs !== undefined
  const table = joinedTable(left, right, joiner, needs, storeName, isVersioned)
  const serdes = serdesOf(store.key ?? left.serdes.key, store.value ?? options.value)
  const sources = new Set([...left.sources, ...right.sources])
  const write = (topology: Topology) => {
    const sendsOldValues = () => table.sidesSendOldValues
    const ofLeft = () =>
      joinStep<K, V, W, R>({
        needsThis: needs.left,
        needsOther: needs.right,
        join: joiner,
        other: rightGetter,
        sendsOldValues,
        isVersioned: left.table.isVersioned,
      })
    const ofRight = () =>
      joinStep<K, W, V, R>({
        needsThis: needs.right,
        needsOther: needs.left,
        join: (value, other, key) => joiner(other, value, key),
        other: leftGetter,
        sendsOldValues,
        isVersioned: right.table.isVersioned,
      })
    topology.add({ kind: 'processor', name: thisName, parents: [left.node.name], make: ofLeft })
    topology.add({ kind: 'processor', name: otherName, parents: [right.node.name], make: ofRight })
    const make = () => keepTable(storeName, table.sendsOldValues)
    topology.add({ kind: 'processor', name, parents: [thisName, otherName], make })
    topology.connectProcessorAndStateStores(thisName, ...rightGetter.stores)
    topology.connectProcessorAndStateStores(otherName, ...leftGetter.stores)
    if (storeName !== undefined)
      topology.addStateStore(tableStoreSpec({ name: storeName, ...serdes, options: store }), name)
    topology.copartition([...sources])
  }
  const node = building.add({ name, parents: [left.node, right.node], write })
  return { building, node, serdes, sources, table, queryableStore: store.name }
}

interface JoinedTable<K, R> extends TableNode<K, R> {
  /** The two sides compute old results, too. */
  readonly sidesSendOldValues: boolean
}

function joinedTable<K, V, W, R>(
  left: TableFlow<K, V>,
  right: TableFlow<K, W>,
  joiner: TableJoiner<K, V, W, R>,
  needs: { left: boolean; right: boolean },
  store: string | undefined,
  isVersioned: boolean,
): JoinedTable<K, R> {
  let sends = false
  let sidesSend = false
  return {
    sendOldValues() {
      sends = true
      if (store !== undefined) return true
      left.table.sendOldValues(true)
      right.table.sendOldValues(true)
      sidesSend = true
      return true
    },
    get sendsOldValues() {
      return sends
    },
    get sidesSendOldValues() {
      return sidesSend
    },
    getter: () =>
      store === undefined
        ? joinedGetter(left.table.getter(), right.table.getter(), needs, atOnce(joiner))
        : storeGetter(store, isVersioned),
    isVersioned: store === undefined ? left.table.isVersioned && right.table.isVersioned : isVersioned,
  }
}

/** Somebody reads the result, and it is not kept: the joiner is asked, and cannot be waited for. */
const atOnce =
  <K, V, W, R>(joiner: TableJoiner<K, V, W, R>) =>
  (left: V | null, right: W | null, key: K): R | null => {
    const answer = joiner(left, right, key)
    if (isPromise(answer))
      throw new UsageError(
        'a joiner of tables answered with a promise, and its result is read by another table: give the join a `store`',
      )
    return answer
  }
