import type { Serde } from '@odradek/client'
import type { GetterSupplier, ValueGetter } from '../dsl/flow.ts'
import { type Processor, type ProcessorContext, whenSettled } from '../processor.ts'
import { type Done, isNothing, type MaybePromise, type StreamRecord } from '../record.ts'
import type { ForeignResponse } from './formats.ts'
import { murmur3 } from './murmur3.ts'
import { valuePart } from './subscribe.ts'

export interface ResolveOptions<K, V, W, R> {
  readonly rows: GetterSupplier<K, V>
  readonly value: Serde<V>
  readonly isLeft: boolean
  join(value: V, row: W | null, key: K): MaybePromise<R | null>
}

/**
 * Joins a row with the answer to its subscription. The row may have changed since it asked: then its hash is another, the answer is
 * dropped, and a later one will come (streams facts 2.40).
 */
export class Resolve<K, V, W, R> implements Processor<K, ForeignResponse<W>, K, R | null> {
  readonly #options: ResolveOptions<K, V, W, R>
  #context!: ProcessorContext<K, R | null>
  #rows!: ValueGetter<K, V>

  constructor(options: ResolveOptions<K, V, W, R>) {
    this.#options = options
  }

  init(context: ProcessorContext): void {
    this.#context = context
    this.#rows = this.#options.rows.make()
    this.#rows.init(context)
  }

  process({ key, value: { hash, foreignValue }, timestamp, headers }: StreamRecord<K, ForeignResponse<W>>): Done {
    if (isNothing(key)) return this.#context.dropped('an answer is for no row')
    const row = this.#rows.get(key)
    const now = row ? murmur3(this.#options.value.serialize(row.value, valuePart)) : null
    if (!isSame(hash, now)) return this.#context.dropped('the row has changed since it asked')
    const { isLeft, join } = this.#options
    const result = row && (foreignValue !== null || isLeft) ? join(row.value, foreignValue, key) : null
    return whenSettled(result, value => this.#context.forward({ key, value: value ?? null, timestamp, headers }))
  }
}

const isSame = (one: Uint8Array | null, other: Uint8Array | null): boolean =>
  one === null || other === null ? one === other : Buffer.compare(one, other) === 0
