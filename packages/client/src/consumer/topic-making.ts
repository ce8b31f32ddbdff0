/** Asks for topics that are subscribed to and missing until they are there, so that a broker that is configured so makes them. */
import type { Timer } from '@odradek/world'
import type { Cluster } from '../cluster/cluster.ts'

const longestPauseMs = 1_000

export class TopicMaking {
  readonly #cluster: Cluster
  readonly #pauseMs: number
  #topics: readonly string[] = []
  #timer: Timer | undefined

  constructor(cluster: Cluster, metadataMaxAgeMs: number) {
    this.#cluster = cluster
    this.#pauseMs = Math.min(longestPauseMs, metadataMaxAgeMs)
  }

  want(topics: readonly string[]): void {
    this.#timer?.cancel()
    this.#topics = topics
    const missing = topics.filter(name => !this.#cluster.topic(name))
    if (missing.length === 0) return
    const again = () => {
      if (this.#topics !== topics) return
      this.#timer = this.#cluster.clock.timer(this.#pauseMs, () => this.want(topics))
    }
    this.#cluster.describe(missing, { autoCreate: true }).then(again, again)
  }

  close(): void {
    this.#topics = []
    this.#timer?.cancel()
  }
}
