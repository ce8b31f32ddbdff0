import { type Serde, UsageError } from '@odradek/client'
import { type Duration, millisecondsOf } from '../duration.ts'
import { StreamTableJoinProcessor } from '../processors/stream-table-join.ts'
import type { MaybePromise } from '../record.ts'
import { waitingStore } from '../state/waiting-store.ts'
import { type NamedOptions, type Serdes, type StreamFlow, serdesOf, type TableFlow } from './flow.ts'
import { onlyBytes } from './only-bytes.ts'
import { partitioned } from './stream-stream-join.ts'

export interface TableLookupOptions<K, V> extends NamedOptions, Serdes<K, NonNullable<V>> {
  /**
   * Records wait for as long, by stream time, for rows that come late; the table must keep its history for at least as long
   * (`historyRetentionMs`).
   */
  grace?: Duration
}

export type RowJoiner<K, V, W, R> = (value: V, row: W, key: K) => MaybePromise<R>

/** Named after the join, or after the node above where the stream must be repartitioned. */
export function streamTableJoin<K, V, W, R>(
  stream: StreamFlow<K, V>,
  table: TableFlow<K, W>,
  joiner: RowJoiner<K, any, any, R>,
  options: TableLookupOptions<K, V> & { isLeft: boolean },
): StreamFlow<K, R> {
  const { building } = stream
  const { isLeft } = options
  const key = options.key ?? stream.serdes.key
  const value = (options.value ?? stream.serdes.value) as Serde<V> | undefined
  const from = partitioned(stream, key, value, options.name)
  const name = building.names.node(isLeft ? 'KSTREAM-LEFTJOIN-' : 'KSTREAM-JOIN-', options.name)
  const grace = graceOf(table, options.grace, name)
  const rows = table.table.getter()
  const sources = new Set([...from.sources, ...table.sources])
  const node = building.add({
    name,
    parents: [from.node],
    takesNullKeys: isLeft,
    write(topology) {
      const keyOf = (_: V, key: K) => key
      const make = () => new StreamTableJoinProcessor({ keyOf, table: rows, isLeft, join: joiner, grace })
      topology.add({ kind: 'processor', name, parents: [from.node.name], make })
      topology.connectProcessorAndStateStores(name, ...rows.stores)
      if (grace) topology.addStateStore(waitingStore(grace.buffer, key ?? onlyBytes, value ?? onlyBytes), name)
      topology.copartition([...sources])
    },
  })
  return { building, node, sources, keyChanged: false, serdes: serdesOf<K, R>(key, undefined) }
}

function graceOf({ table }: TableFlow, grace: Duration | undefined, name: string) {
  if (grace === undefined) return undefined
  const ms = millisecondsOf(grace, 'grace')
  if (!table.isVersioned)
    throw new UsageError(
      `Join '${name}' has a grace period and its table has no history: give the table a store with \`historyRetentionMs\` of at least ${ms}.`,
    )
  if (table.historyMs !== undefined && table.historyMs < ms)
    throw new UsageError(
      `Join '${name}' has a grace period of ${ms} ms and its table keeps a history of ${table.historyMs}: make \`historyRetentionMs\` at least as long.`,
    )
  return { ms, buffer: `${name}-Buffer` }
}
