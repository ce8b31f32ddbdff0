import type { TopicPartitions } from '../topic-partitions.ts'
import type { ConfiguredTopology } from './configured-topology.ts'
import type { StreamsGroup } from './streams-group.ts'
import { type Role, splitTaskKey } from './tasks.ts'

/** Where to ask for what the stores of a group hold: of each member that can be asked, the partitions its stores are made of. */
export interface EndpointPartitions {
  readonly userEndpoint: { readonly host: string; readonly port: number }
  readonly active: TopicPartitions
  readonly standby: TopicPartitions
}

export function endpointPartitions(group: StreamsGroup, configured: ConfiguredTopology | null): EndpointPartitions[] {
  const endpoints: EndpointPartitions[] = []
  for (const { details, current } of group.members.values()) {
    if (details.userEndpoint === null) continue
    const partitions = (role: Role) => partitionsOf(current.assigned, role, configured)
    const { userEndpoint } = details
    endpoints.push({ userEndpoint, active: partitions('active'), standby: partitions('standby') })
  }
  return endpoints
}

function partitionsOf(
  tasks: ReadonlyMap<string, ReadonlyMap<number, unknown>>,
  wanted: Role,
  configured: ConfiguredTopology | null,
): TopicPartitions {
  const partitions = new Map<string, Set<number>>()
  for (const [key, assigned] of tasks) {
    const { role, subtopologyId } = splitTaskKey(key)
    if (role !== wanted) continue
    for (const [topic, count] of configured?.subtopologies.get(subtopologyId)?.reads ?? []) {
      // A smaller topic than the largest has nothing for some tasks.
      const there = [...assigned.keys()].filter(partition => partition < count)
      partitions.set(topic, new Set(there.sort((one, other) => one - other)))
    }
  }
  return partitions
}
