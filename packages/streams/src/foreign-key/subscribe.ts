import type { Serde } from '@odradek/client'
import type { Change } from '../change.ts'
import type { Processor, ProcessorContext } from '../processor.ts'
import { type Done, isNothing, type StreamRecord } from '../record.ts'
import { Instruction, type Subscription } from './formats.ts'
import { murmur3 } from './murmur3.ts'

export interface SubscribeOptions<K, V, G> {
  /** Null: the row points nowhere. */
  foreignKeyOf(value: V, key: K): G | null
  readonly foreignKey: Serde<G>
  readonly value: Serde<V>
  readonly isLeft: boolean
  readonly isVersioned: boolean
}

/**
 * The table that points: tells the other one, at the key it points to, of every change of a row. When it points elsewhere, first the
 * old subscription goes, then the new one comes; they may travel to different partitions (streams facts 2.40).
 *
 * An inner join also tells of rows that never were joined, as it cannot know (2.41).
 */
export class Subscribe<K, V, G> implements Processor<K, Change<V>, G | null, Subscription<K>> {
  readonly #options: SubscribeOptions<K, V, G>
  #context!: ProcessorContext<G | null, Subscription<K>>

  constructor(options: SubscribeOptions<K, V, G>) {
    this.#options = options
  }

  init(context: ProcessorContext): void {
    this.#context = context
  }

  process(record: StreamRecord<K, Change<V>>): Done {
    const { isLeft, isVersioned } = this.#options
    const { key, value } = record
    if (isNothing(key)) return this.#context.dropped('a table has no null key')
    if (isVersioned && !value.isLatest) return this.#context.dropped('it is not the latest of its key')
    if (value.oldValue === null && value.newValue === null) return
    const before = this.#foreignKeyOf(value.oldValue, key)
    const now = this.#foreignKeyOf(value.newValue, key)
    return isLeft ? this.#left(record, before, now) : this.#inner(record, before, now)
  }

  #left(record: StreamRecord<K, Change<V>>, before: G | null, now: G | null): Done {
    const subscribe = () => this.#tell(record, now, Instruction.subscribeAndTell)
    if (before === null || this.#isSame(before, now)) return subscribe()
    const waiting = this.#tell(record, before, Instruction.deleteQuietly)
    return waiting ? waiting.then(subscribe) : subscribe()
  }

  #inner(record: StreamRecord<K, Change<V>>, before: G | null, now: G | null): Done {
    if (now === null) {
      if (record.value.newValue !== null) this.#context.dropped('a row points nowhere')
      return before === null ? undefined : this.#tell(record, before, Instruction.deleteAndTell)
    }
    if (before === null || this.#isSame(before, now))
      return this.#tell(record, now, Instruction.subscribeAndTellIfThere)
    const subscribe = () => this.#tell(record, now, Instruction.subscribeAndTell)
    const waiting = this.#tell(record, before, Instruction.deleteQuietly)
    return waiting ? waiting.then(subscribe) : subscribe()
  }

  #foreignKeyOf(value: V | null, key: K): G | null {
    return value === null ? null : (this.#options.foreignKeyOf(value, key) ?? null)
  }

  /** Equal as bytes. */
  #isSame(one: G, other: G | null): boolean {
    if (other === null || one === other) return one === other
    const { foreignKey } = this.#options
    return Buffer.compare(foreignKey.serialize(one, keyPart), foreignKey.serialize(other, keyPart)) === 0
  }

  #tell({ key, value, timestamp, headers }: StreamRecord<K, Change<V>>, at: G | null, instruction: number): Done {
    const { newValue } = value
    return this.#context.forward({
      key: at,
      value: {
        hash: newValue === null ? null : murmur3(this.#options.value.serialize(newValue, valuePart)),
        instruction,
        primaryKey: key,
        primaryPartition: this.#context.recordMetadata?.partition ?? 0,
      },
      timestamp,
      headers,
    })
  }
}

const keyPart = { topic: 'foreign-key join', part: 'key' } as const
export const valuePart = { topic: 'foreign-key join', part: 'value' } as const
