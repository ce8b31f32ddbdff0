/** Names of the topics that a broker names by id, looked up once each: a topic keeps its name for as long as it exists. */
import { Metadata } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'

interface OfTopic {
  readonly topicId: string
  readonly partitions: readonly number[]
}

export interface NamedPartitions {
  readonly partitions: { topic: string; topicId: string; partition: number }[]
  /** Some topics are not known to anybody yet: ask again. */
  readonly isIncomplete: boolean
}

export class TopicIds {
  readonly #cluster: Cluster
  readonly #names = new Map<string, string>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  nameOf(topicId: string): string | undefined {
    return this.#names.get(topicId)
  }

  /** With what is known now; nothing is asked. */
  known(topics: readonly OfTopic[]): NamedPartitions {
    const partitions = topics.flatMap(({ topicId, partitions }) => {
      const topic = this.#names.get(topicId)
      return topic === undefined ? [] : partitions.map(partition => ({ topic, topicId, partition }))
    })
    return { partitions, isIncomplete: topics.some(({ topicId }) => !this.#names.has(topicId)) }
  }

  /** Asks for the names that are not known; after it the cluster's metadata has these topics. */
  async learn(topics: readonly OfTopic[], signal?: AbortSignal): Promise<void> {
    const unknown = topics.filter(({ topicId }) => !this.#names.has(topicId))
    if (unknown.length === 0) return
    const request = { topics: unknown.map(({ topicId }) => ({ topicId, name: null })), allowAutoTopicCreation: false }
    const { topics: told } = await this.#cluster.call('any', Metadata, request, { signal })
    const found = told.filter(({ name, errorCode }) => name !== null && errorCode === 0)
    const stale = found.filter(({ name, topicId }) => this.#cluster.topic(name!)?.topicId !== topicId)
    if (stale.length > 0) {
      await this.#cluster.describe(
        stale.map(({ name }) => name!),
        { signal },
      )
    }
    for (const { name, topicId } of found) this.#names.set(topicId, name!)
  }
}
