import type { ClusterStore } from './cluster-store/cluster-store.ts'

/** Ids taken from the cluster store at a time. A restart loses at most so many of the 2^63. */
const blockSize = 1000

/** Hands out producer ids that nobody had before, from blocks the cluster store has durably given away. */
export class ProducerIds {
  readonly #cluster: ClusterStore
  #next = 0n
  #end = 0n
  #filling: Promise<void> | undefined

  constructor(cluster: ClusterStore) {
    this.#cluster = cluster
  }

  async next(): Promise<bigint> {
    while (this.#next === this.#end) await (this.#filling ??= this.#fill())
    return this.#next++
  }

  async #fill(): Promise<void> {
    try {
      const first = await this.#cluster.allocateProducerIds(blockSize)
      this.#next = first
      this.#end = first + BigInt(blockSize)
    } finally {
      this.#filling = undefined
    }
  }
}
