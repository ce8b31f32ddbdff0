/**
 * Everything the cluster store keeps, as one value: entries of four tables, how many changes made them, and a sum over all of them by
 * which two copies of it are compared, and one that was damaged is told from one that was not.
 *
 *     cluster   cluster_id, leader_epoch, next_producer_id, next_partition_id: text
 *     topic     by topic id: name, the numbers of its partitions inside the engine, what was set for it
 *     broker    by node id, '' for all: settings that were changed while brokers ran
 *     dropped   by topic id: deleted, and its bytes may still be there
 *
 * The digest is the sum, modulo 2³², of the CRC-32C of each entry as JSON. It changes with every entry that changes, is missing or is
 * there too often, and following it through a change costs only what changed.
 */
import type { PartitionId } from '@odradek/log'
import { crc32c } from '@odradek/protocol'
import type { ConfigOverrides } from './cluster-store.ts'

export interface StoredTopic {
  readonly name: string
  /** Dense from index 0. */
  readonly partitions: readonly PartitionId[]
  readonly config: ConfigOverrides
}

export interface MetadataTables {
  cluster: string
  topic: StoredTopic
  broker: ConfigOverrides
  dropped: true
}

export type MetadataTable = keyof MetadataTables
export const metadataTables = ['cluster', 'topic', 'broker', 'dropped'] as const

/** What an entry becomes; null: it goes. */
export type MetadataEntry = {
  [T in MetadataTable]: readonly [table: T, key: string, value: MetadataTables[T] | null]
}[MetadataTable]

export class MetadataImage {
  revision = 0
  #digest = 0
  readonly #tables: { [T in MetadataTable]: Map<string, MetadataTables[T]> } = {
    cluster: new Map(),
    topic: new Map(),
    broker: new Map(),
    dropped: new Map(),
  }

  get digest(): number {
    return this.#digest
  }

  get size(): number {
    return metadataTables.reduce((sum, table) => sum + this.#tables[table].size, 0)
  }

  table<T extends MetadataTable>(table: T): ReadonlyMap<string, MetadataTables[T]> {
    return this.#tables[table]
  }

  /** A number of the table `cluster`; 0 when it is missing. */
  number(name: string): number {
    return Number(this.#tables.cluster.get(name) ?? 0)
  }

  put(entry: MetadataEntry): void {
    this.#digest = this.#digestAfter(this.#digest, entry)
    const [table, key, value] = entry
    const rows = this.#tables[table] as Map<string, unknown>
    if (value === null) rows.delete(key)
    else rows.set(key, value)
  }

  /** One change: the next revision. */
  apply(entries: readonly MetadataEntry[]): void {
    for (const entry of entries) this.put(entry)
    this.revision++
  }

  *entries(): Iterable<MetadataEntry> {
    for (const table of metadataTables)
      for (const [key, value] of this.#tables[table]) yield [table, key, value] as MetadataEntry
  }

  #digestAfter(digest: number, [table, key, value]: MetadataEntry): number {
    const before = this.#tables[table].get(key)
    const less = before === undefined ? digest : digest - checksumOf([table, key, before])
    return (value === null ? less : less + checksumOf([table, key, value])) >>> 0
  }
}

/** Names in order, so that equal settings are equal text. */
export const inOrder = (config: ConfigOverrides): ConfigOverrides =>
  Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)))

const encoder = new TextEncoder()

const checksumOf = (entry: readonly unknown[]): number => crc32c(encoder.encode(JSON.stringify(entry)))
