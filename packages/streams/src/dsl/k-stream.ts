import type { Serde } from '@odradek/client'
import { flatMapValues } from '../processors/flat-map-values.ts'
import { selectKey } from '../processors/select-key.ts'
import type { MaybePromise } from '../record.ts'
import { userTopic } from '../topology/node-spec.ts'
import { below, type NamedOptions, processorStep, type Serdes, type StreamFlow, serdesOf } from './flow.ts'
import { KGroupedStream } from './k-grouped-stream.ts'
import { onlyBytes } from './only-bytes.ts'

/**
 * A stream of records, each an event of its own. Operators add a node to the topology and answer the stream below it.
 * Callbacks get `(value, key)` and answer with values or with promises of them.
 */
export class KStream<K, V> {
  readonly #flow: StreamFlow<K, V>

  constructor(flow: StreamFlow<K, V>) {
    this.#flow = flow
  }

  /** Every value becomes none, one or several; the key stays. */
  flatMapValues<W>(
    map: (value: V, key: K) => MaybePromise<Iterable<W>>,
    options: NamedOptions & { value?: Serde<W> } = {},
  ): KStream<K, W> {
    const { building, node, serdes, keyChanged } = this.#flow
    const name = building.names.node('KSTREAM-FLATMAPVALUES-', options.name)
    return new KStream(
      below(
        this.#flow,
        processorStep(name, [node.name], () => flatMapValues(map)),
        {
          serdes: serdesOf(serdes.key, options.value),
          keyChanged,
        },
      ),
    )
  }

  /**
   * Groups by a new key, for `count` and its like. Records travel through a repartition topic so that equal keys meet in one task; the
   * serdes say how they are written there, and `name` names it. A record whose new key is null is dropped.
   */
  groupBy<G>(
    select: (value: V, key: K) => MaybePromise<G>,
    options: Serdes<G, V> & NamedOptions = {},
  ): KGroupedStream<G, V> {
    const { building, node, serdes } = this.#flow
    const name = building.names.node('KSTREAM-KEY-SELECT-', options.name)
    const step = { ...processorStep(name, [node.name], () => selectKey(select)), changesKey: true }
    const flow = below(this.#flow, step, {
      serdes: serdesOf(options.key, options.value ?? serdes.value),
      keyChanged: true,
    })
    return new KGroupedStream(flow, options.name)
  }

  /** Writes every record to a topic that exists, by its key's partition. */
  to(topic: string, options: Serdes<NonNullable<K>, NonNullable<V>> & NamedOptions = {}): void {
    const { building, node, serdes } = this.#flow
    const name = building.names.node('KSTREAM-SINK-', options.name)
    const { key = serdes.key ?? onlyBytes, value = serdes.value ?? onlyBytes } = options
    building.add({
      name,
      parents: [node],
      write: topology =>
        topology.add({ kind: 'sink', name, parents: [node.name], topic: userTopic(topic), key, value }),
    })
  }
}
