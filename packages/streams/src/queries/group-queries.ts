import { type Serde, UsageError } from '@odradek/client'
import { changelogOf } from '../state/state-store.ts'
import { StreamsError } from '../streams-error.ts'
import {
  type ClientMetadata,
  clientMetadata,
  type KeyMetadata,
  keyMetadata,
  type MemberTasks,
  type StoresOf,
} from './metadata.ts'

export interface GroupQueriesOptions {
  readonly applicationId: string
  readonly storesOf: StoresOf
  /** Of the topology. */
  readonly subtopologies: readonly number[]
  /** As the group's last assignment has them; empty before the first. */
  members(): readonly MemberTasks[]
  /** How many tasks the sub-topology has; 0 where that is not known yet. */
  partitionsOf(subtopology: number): number
}

export interface KeyQueryOptions {
  /** Where records do not go by their key's bytes. */
  partitionOf?: (partitions: number) => number
}

/** Where in the group what is: for programs that answer queries together. It lags behind by a rebalance. */
export class GroupQueries {
  readonly #options: GroupQueriesOptions

  constructor(options: GroupQueriesOptions) {
    this.#options = options
  }

  all(): ClientMetadata[] {
    return clientMetadata(this.#options.members(), this.#options.storesOf)
  }

  /** Those that have some of it, to work on or to stand by. */
  ofStore(store: string): ClientMetadata[] {
    this.#subtopologyOf(store)
    return this.all().filter(({ stores, standbyStores }) => stores.includes(store) || standbyStores.includes(store))
  }

  ofKey<K>(store: string, key: K, serde: Serde<K>, { partitionOf }: KeyQueryOptions = {}): KeyMetadata {
    const { applicationId, members, storesOf, partitionsOf } = this.#options
    const partitions = partitionsOf(this.#subtopologyOf(store))
    if (partitions === 0)
      throw new StreamsError('STORE_NOT_READY', `Where '${store}' is, is not known yet: the group divides its work.`, {
        retriable: true,
      })
    const topic = `${applicationId}-${changelogOf({ name: store })}`
    const bytes = serde.serialize(key, { topic, part: 'key' })
    return keyMetadata(members(), storesOf, { store, key: bytes, partitions, partitionOf })
  }

  #subtopologyOf(store: string): number {
    const { subtopologies, storesOf } = this.#options
    const found = subtopologies.find(id => storesOf(id).includes(store))
    if (found !== undefined) return found
    const names = subtopologies.flatMap(id => [...storesOf(id)])
    throw new UsageError(`The topology has no store '${store}'. It has: ${names.join(', ') || 'none'}.`)
  }
}
