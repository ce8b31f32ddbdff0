import { UsageError } from '@odradek/client'
import { changelogOf } from '../state/state-store.ts'
import type { Topology } from '../topology/topology.ts'

/** A number of ten digits: nobody has named it. */
const generated = /-\d{10}(-|$)/

/**
 * Refuses a topology in which a store or a topic of the application's has a generated name: it would change with the next operator
 * (KIP-1111).
 */
export function mustNameTopics(topology: Topology): void {
  const unnamed = topology
    .subtopologies()
    .flatMap(({ sourceTopics, stores }) => [
      ...sourceTopics.filter(({ internal }) => internal).map(({ name }) => name),
      ...stores.map(store => (store.changelog ? changelogOf(store) : store.name)),
    ])
    .filter(name => generated.test(name))
  if (unnamed.length > 0)
    throw new UsageError(
      `These topics and stores have generated names: ${unnamed.join(', ')}. Name what makes them: \`store\` of an aggregation or table, \`name\` of a grouping, join or repartition.`,
    )
}
