import type { PartitionId } from '@odradek/log'
import type { ClusterStore } from '../cluster-store/cluster-store.ts'
import type { Topics } from '../topics.ts'

/** A topic that a coordinator keeps its state in. */
export interface CoordinatorTopic {
  readonly name: string
  /** Null while nothing was ever written. */
  existing(): readonly PartitionId[] | null
  ensure(): Promise<readonly PartitionId[]>
}

export interface CoordinatorTopicSpec {
  readonly name: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

/** Made when the first record is written; its number of partitions never changes after that, whatever the setting says. */
export function coordinatorTopic(
  { cluster, topics }: { cluster: ClusterStore; topics: Topics },
  name: string,
  spec: () => Omit<CoordinatorTopicSpec, 'name'>,
): CoordinatorTopic {
  return {
    name,
    existing: () => cluster.topic(name)?.partitions.map(partition => partition.id) ?? null,
    async ensure() {
      const topic = await topics.ensure({ name, ...spec() })
      return topic.partitions.map(partition => partition.id)
    },
  }
}
