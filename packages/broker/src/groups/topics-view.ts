import { RegexCache } from '../regex/regex-cache.ts'

/** The topics there are, as groups need to know them. */
export interface TopicsView {
  /** Another number whenever topics came, went or got more partitions. */
  readonly version: number
  named(name: string): TopicFacts | undefined
  withId(id: string): TopicFacts | undefined
  /** Names, in no order. */
  names(): Iterable<string>
  /** Expressions that have been compiled. */
  readonly regexes: RegexCache
}

export interface TopicFacts {
  readonly id: string
  readonly name: string
  readonly partitions: number
}

interface Cluster {
  readonly version: number
  topics(): Iterable<{ readonly id: string; readonly name: string; readonly partitions: readonly unknown[] }>
}

/** Sees through what else changes in a cluster: settings, producer ids. */
export class ClusterTopics implements TopicsView {
  readonly regexes = new RegexCache()
  readonly #cluster: Cluster
  #seen = -1
  #version = 0
  #byName = new Map<string, TopicFacts>()
  #byId = new Map<string, TopicFacts>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  get version(): number {
    this.#look()
    return this.#version
  }

  named(name: string): TopicFacts | undefined {
    this.#look()
    return this.#byName.get(name)
  }

  withId(id: string): TopicFacts | undefined {
    this.#look()
    return this.#byId.get(id)
  }

  names(): Iterable<string> {
    this.#look()
    return this.#byName.keys()
  }

  #look(): void {
    if (this.#cluster.version === this.#seen) return
    this.#seen = this.#cluster.version
    const byId = new Map<string, TopicFacts>()
    let isNew = false
    for (const { id, name, partitions } of this.#cluster.topics()) {
      const before = this.#byId.get(id)
      if (before?.partitions !== partitions.length) isNew = true
      byId.set(id, before?.partitions === partitions.length ? before : { id, name, partitions: partitions.length })
    }
    if (!isNew && byId.size === this.#byId.size) return
    this.#version++
    this.#byId = byId
    this.#byName = new Map(Array.from(byId.values(), topic => [topic.name, topic]))
  }
}

/** Tells whether topics a group subscribes to are the same, with as many partitions, as before. */
export function topicsHash(names: ReadonlySet<string>, topics: TopicsView): bigint {
  let high = 0x811c9dc5
  let low = 0xcbf29ce4
  const add = (text: string) => {
    for (let i = 0; i < text.length; i++) {
      high = Math.imul(high ^ text.charCodeAt(i), 0x01000193)
      low = Math.imul(low ^ (text.charCodeAt(i) + 0x55), 0x01000193) ^ (high >>> 15)
    }
  }
  let found = 0
  for (const name of [...names].sort()) {
    const topic = topics.named(name)
    if (topic === undefined) continue
    found++
    add(`${topic.id} ${topic.name} ${topic.partitions}\n`)
  }
  // Signed, as a record holds it; a group without topics has 0.
  return found === 0 ? 0n : BigInt.asIntN(64, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0))
}
