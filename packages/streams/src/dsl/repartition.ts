import type { Serde } from '@odradek/client'
import { dropNullKeys } from '../processors/drop-null-keys.ts'
import { passThrough } from '../processors/stateless.ts'
import { internalTopic, type StreamPartitioner } from '../topology/node-spec.ts'
import type { Building, PlanNode } from './building.ts'
import { type StreamFlow, serdesOf } from './flow.ts'
import { onlyBytes } from './only-bytes.ts'

export interface RepartitionOptions<K, V> {
  /** Of the topic: `<application.id>-<name>-repartition`. */
  readonly name: string
  /** The name was given by the user: the nodes are called after it, too. */
  readonly isNamed: boolean
  readonly key: Serde<K> | undefined
  readonly value: Serde<V> | undefined
  readonly partitions?: number | undefined
  readonly partitionOf?: StreamPartitioner<K, V> | undefined
}

/**
 * Sink, filter and source around a repartition topic; numbered in this order, as Kafka Streams does, or called after the name that was
 * given. Records without a key stay behind, unless a join below takes them (streams facts 2.25).
 */
export function repartition<K, V>(flow: StreamFlow<K, V>, options: RepartitionOptions<K, V>): StreamFlow<K, V> {
  const { building, node } = flow
  const { name, isNamed, partitions, partitionOf } = options
  const { key = onlyBytes, value = onlyBytes } = options
  const of = (part: string) => (isNamed ? `${name}-repartition-${part}` : undefined)
  const sink = building.names.node('KSTREAM-SINK-', of('sink'))
  const filter = building.names.node('KSTREAM-FILTER-', of('filter'))
  const source = building.names.node('KSTREAM-SOURCE-', of('source'))
  const topic = internalTopic(`${name}-repartition`, partitions)
  const plan: PlanNode = building.add({
    name: source,
    parents: [node],
    write: topology => {
      const keepsAll = takesNullKeysBelow(plan)
      topology.add({
        kind: 'processor',
        name: filter,
        parents: [node.name],
        make: keepsAll ? passThrough : dropNullKeys,
      })
      topology.add({ kind: 'sink', name: sink, parents: [filter], topic, key, value, partitionOf })
      topology.add({ kind: 'source', name: source, topics: [topic], key, value })
    },
  })
  return {
    building,
    node: plan,
    serdes: serdesOf(options.key, options.value),
    keyChanged: false,
    sources: new Set([source]),
  }
}

/** A repartition topic that is there already uses up the numbers of another one all the same, as in Kafka Streams. */
export function skipNames({ names }: Building): void {
  for (const prefix of ['KSTREAM-SINK-', 'KSTREAM-FILTER-', 'KSTREAM-SOURCE-']) names.node(prefix)
}

const takesNullKeysBelow = (node: PlanNode): boolean =>
  node.children.some(child => child.takesNullKeys || (!child.changesKey && takesNullKeysBelow(child)))
