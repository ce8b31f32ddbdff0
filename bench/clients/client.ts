/** What the contests ask of a client, so that each is written once. */
export interface BenchClient {
  readonly name: string
  createTopic(bootstrap: string, topic: string, partitions: number): Promise<void>
  producer(bootstrap: string, acks: 1 | -1): Promise<BenchProducer>
  /** Reads a topic from its beginning, in a group of its own. */
  consumer(bootstrap: string, topic: string, received: (value: Uint8Array) => void): Promise<BenchConsumer>
}

export interface BenchRecord {
  readonly key: Buffer
  readonly value: Buffer
}

export interface BenchProducer {
  /** One record, by the call its users make for one record. */
  one(topic: string, record: BenchRecord): Promise<unknown>
  /** Many at once, by the call its users make for many. */
  many(topic: string, records: BenchRecord[]): Promise<unknown>
  close(): Promise<void>
}

export interface BenchConsumer {
  /** When the group had given it its partitions, by `performance.now()`: from here on it could fetch. */
  readonly assignedAt: number
  close(): Promise<void>
}

let count = 0

/** A name nobody has used on a broker that others may use too. */
export function freshName(what: string): string {
  return `bench-${what.replaceAll(/[^a-z0-9]+/gi, '-')}-${process.pid}-${Date.now().toString(36)}-${count++}`
}

export function recordsOf(count: number, valueBytes: number): BenchRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    key: Buffer.from(`key-${10_000 + i}`),
    value: Buffer.alloc(valueBytes, `value ${i} `),
  }))
}
