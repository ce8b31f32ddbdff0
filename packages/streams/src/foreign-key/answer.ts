/** The table that is pointed to: keeps who points where, and answers with its row, now and whenever that changes. */
import type { Serde } from '@odradek/client'
import type { Change } from '../change.ts'
import type { GetterSupplier, ValueGetter } from '../dsl/flow.ts'
import { inTurn, type Processor, type ProcessorContext } from '../processor.ts'
import { type Done, isNothing, type StreamRecord } from '../record.ts'
import type { TimestampedKeyValueStore } from '../state/stores.ts'
import { type CombinedKey, type ForeignResponse, foreignKeyPrefix, Instruction, type Subscription } from './formats.ts'

export type SubscriptionStore<G, K> = TimestampedKeyValueStore<CombinedKey<G, K>, Subscription<K>>

/** Keeps a subscription, or forgets it. */
export class KeepSubscription<G, K> implements Processor<G | null, Subscription<K>, G | null, Subscription<K>> {
  readonly #storeName: string
  #context!: ProcessorContext<G | null, Subscription<K>>
  #store!: SubscriptionStore<G, K>

  constructor(storeName: string) {
    this.#storeName = storeName
  }

  init(context: ProcessorContext): void {
    this.#context = context
    this.#store = context.store(this.#storeName)
  }

  process(record: StreamRecord<G | null, Subscription<K>>): Done {
    const { key, value, timestamp } = record
    const { instruction, primaryKey } = value
    if (isNothing(key)) {
      if (instruction === Instruction.subscribeAndTell) return this.#context.forward(record)
      return this.#context.dropped('a subscription points nowhere')
    }
    const isGone = instruction === Instruction.deleteQuietly || instruction === Instruction.deleteAndTell
    this.#store.put({ foreignKey: key, primaryKey }, isGone ? null : value, timestamp)
    return this.#context.forward(record)
  }
}

/** Answers a subscription with the row as it is, at the larger of both timestamps (streams facts 2.9). */
export class AnswerSubscription<G, K, W> implements Processor<G | null, Subscription<K>, K, ForeignResponse<W>> {
  readonly #rows: GetterSupplier<G, W>
  #context!: ProcessorContext<K, ForeignResponse<W>>
  #getter!: ValueGetter<G, W>

  constructor(rows: GetterSupplier<G, W>) {
    this.#rows = rows
  }

  init(context: ProcessorContext): void {
    this.#context = context
    this.#getter = this.#rows.make()
    this.#getter.init(context)
  }

  process({ key, value, timestamp, headers }: StreamRecord<G | null, Subscription<K>>): Done {
    const { hash, instruction, primaryKey, primaryPartition } = value
    if (instruction === Instruction.deleteQuietly) return
    const row = isNothing(key) ? undefined : this.#getter.get(key)
    if (!row && instruction === Instruction.subscribeAndTellIfThere) return
    const foreignValue = instruction === Instruction.deleteAndTell ? null : (row?.value ?? null)
    return this.#context.forward({
      key: primaryKey,
      value: { hash, foreignValue, primaryPartition },
      timestamp: row ? Math.max(timestamp, row.timestamp) : timestamp,
      headers,
    })
  }
}

/** Tells all that point to a row of its change, at the change's own timestamp. */
export class TellSubscribers<G, K, W> implements Processor<G, Change<W>, K, ForeignResponse<W>> {
  readonly #options: { store: string; key: Serde<G>; isVersioned: boolean }
  #context!: ProcessorContext<K, ForeignResponse<W>>
  #store!: SubscriptionStore<G, K>

  constructor(options: { store: string; key: Serde<G>; isVersioned: boolean }) {
    this.#options = options
  }

  init(context: ProcessorContext): void {
    this.#context = context
    this.#store = context.store(this.#options.store)
  }

  process({ key, value, timestamp, headers }: StreamRecord<G, Change<W>>): Done {
    const { store, isVersioned } = this.#options
    if (isNothing(key)) return this.#context.dropped('a table has no null key')
    if (isVersioned && !value.isLatest) return this.#context.dropped('it is not the latest of its key')
    const prefix = foreignKeyPrefix(this.#options.key.serialize(key, { topic: store, part: 'key' }))
    const found = this.#store.prefixScan(prefix)[Symbol.iterator]()
    return inTurn(found, ([, { value: subscription }]) => {
      const { hash, primaryKey, primaryPartition } = subscription
      const response = { hash, foreignValue: value.newValue, primaryPartition }
      return this.#context.forward({ key: primaryKey, value: response, timestamp, headers })
    })
  }
}
