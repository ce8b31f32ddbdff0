/** What the kinds of stores have in common: how options become a spec, and where rows and entries are kept. */
import type { Serde } from '@odradek/client'
import { onlyBytes } from '../dsl/only-bytes.ts'
import { KeyCodec, ValueCodec } from './key-codec.ts'
import { MemoryKeyTable } from './memory-key-table.ts'
import { MemoryTimeTable } from './memory-time-table.ts'
import type { CacheBudget, ChangelogSpec, StorePlace, TaskDisk } from './state-store.ts'
import type { StoreOptions } from './stores.ts'
import type { KeyTable, TimeTable } from './tables.ts'

export interface StoreDeclaration<K, V> {
  name: string
  key?: Serde<K> | undefined
  value?: Serde<V> | undefined
  options?: StoreOptions<K, V> | undefined
}

export interface Codecs<K, V> {
  readonly name: string
  readonly keys: KeyCodec<K>
  readonly values: ValueCodec<V>
}

const dayMs = 86_400_000
const created = { 'message.timestamp.type': 'CreateTime' }

export const compacted: Readonly<Record<string, string>> = { 'cleanup.policy': 'compact', ...created }

/** Kafka Streams keeps a day more than the store does, for clocks that disagree (`windowstore.changelog.additional.retention.ms`). */
export const compactedFor = (retentionMs: number): Readonly<Record<string, string>> => ({
  'cleanup.policy': 'compact,delete',
  'retention.ms': String(retentionMs + dayMs),
  ...created,
})

export const compactedAfter = (historyMs: number): Readonly<Record<string, string>> => ({
  'cleanup.policy': 'compact',
  'min.compaction.lag.ms': String(historyMs + dayMs),
  ...created,
})

/** The settings of a kind of store, and over them what the user gave. */
export function changelogFor(
  config: Readonly<Record<string, string>>,
  options: StoreOptions = {},
): ChangelogSpec | null {
  const { logging = true } = options
  if (logging === false) return null
  return { config: logging === true ? config : { ...config, ...logging } }
}

/** Made for each store, not for its spec: they remember. */
export function codecsOf<K, V>({ name, key, value, options }: StoreDeclaration<K, V>): Codecs<K, V> {
  return {
    name,
    keys: new KeyCodec(name, options?.key ?? key ?? onlyBytes),
    values: new ValueCodec(name, options?.value ?? value ?? onlyBytes),
  }
}

export const keyTableOf = (place: StorePlace, name: string, options?: StoreOptions): KeyTable =>
  diskOf(place, options)?.keyTable(name) ?? new MemoryKeyTable()

export const timeTableOf = (place: StorePlace, name: string, options?: StoreOptions, segmentMs?: number): TimeTable =>
  diskOf(place, options)?.timeTable(name, segmentMs) ?? new MemoryTimeTable(segmentMs)

/** Null: changes are passed on and logged at once. */
export const cacheOf = ({ cache }: StorePlace, { caching = true }: StoreOptions = {}): CacheBudget | null =>
  caching ? cache : null

const diskOf = ({ disk, defaultKind }: StorePlace, options: StoreOptions = {}): TaskDisk | null =>
  (options.in ?? defaultKind) === 'disk' ? disk : null
