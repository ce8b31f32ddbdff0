interface HostedTopic {
  readonly id: string
  readonly name: string
  readonly partitions: readonly null[]
}

/** Topics that come, grow and go at a word, as `ClusterTopics` looks at those of a cluster. */
export class HostedTopics {
  readonly #topics = new Map<string, HostedTopic>()
  #version = 0

  get version(): number {
    return this.#version
  }

  topics(): Iterable<HostedTopic> {
    return this.#topics.values()
  }

  /** Creates a topic, or gives it more partitions. Returns its id. */
  set(name: string, partitions: number): string {
    const id = this.#topics.get(name)?.id ?? `00000000-0000-4000-8000-${String(++this.#version).padStart(12, '0')}`
    this.#topics.set(name, { id, name, partitions: new Array(partitions).fill(null) })
    this.#version++
    return id
  }

  delete(name: string): void {
    this.#topics.delete(name)
    this.#version++
  }

  partitionsOf(name: string): number {
    return this.#topics.get(name)?.partitions.length ?? 0
  }
}
