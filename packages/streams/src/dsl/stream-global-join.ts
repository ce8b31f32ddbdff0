import { StreamTableJoinProcessor } from '../processors/stream-table-join.ts'
import type { MaybePromise } from '../record.ts'
import type { Topology } from '../topology/topology.ts'
import { below, type NamedOptions, type StreamFlow, serdesOf } from './flow.ts'
import type { GlobalTableFlow } from './global-table.ts'
import type { RowJoiner } from './stream-table-join.ts'

export interface GlobalLookupOptions<K, V, G> extends NamedOptions {
  /** The key to look up; null: there is none. */
  on: (value: NonNullable<V>, key: K) => MaybePromise<G | null>
}

/** Inner joins are called KSTREAM-LEFTJOIN-… too, as in Kafka Streams. The stream's keys stay, and where they are. */
export function streamGlobalJoin<K, V, G, W, R>(
  stream: StreamFlow<K, V>,
  table: GlobalTableFlow<G, W>,
  join: RowJoiner<K, any, any, R>,
  options: GlobalLookupOptions<K, V, G> & { isLeft: boolean },
): StreamFlow<K, R> {
  const { building, node, serdes, keyChanged } = stream
  const { isLeft, on } = options
  const name = building.names.node('KSTREAM-LEFTJOIN-', options.name)
  const keyOf = (value: V, key: K) => on(value as NonNullable<V>, key)
  const make = () =>
    new StreamTableJoinProcessor<K, V, G, W, R>({ keyOf, table: table.rows, isLeft, join, grace: undefined })
  const step = {
    name,
    takesNullKeys: isLeft,
    write: (topology: Topology) => void topology.add({ kind: 'processor', name, parents: [node.name], make }),
  }
  return below<K, R>(stream, step, { serdes: serdesOf<K, R>(serdes.key, undefined), keyChanged })
}
