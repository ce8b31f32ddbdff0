import type { Serde } from '@odradek/client'
import { type Change, changeOf } from '../change.ts'
import { isPromise, type Processor, type ProcessorContext } from '../processor.ts'
import { type Done, isNothing, type MaybePromise, type StreamRecord } from '../record.ts'

/** A row's place in the new grouping. */
export type Regrouping<K, V, G, W> = (value: V, key: K) => MaybePromise<readonly [G, W] | null | undefined>

type Placed<G, W> = readonly [G, W] | null | undefined

/**
 * A change of a table as changes of its groups: what was there is taken from its group, what is there now added to its own; in one
 * record where that is the same group (streams facts 2.13). A half without a key or a value is left out (2.14), and so is what a
 * versioned table was told too late (2.12).
 */
export class Regroup<K, V, G, W> implements Processor<K, Change<V>, G, Change<W>> {
  readonly #select: Regrouping<K, V, G, W>
  readonly #key: Serde<G>
  #context!: ProcessorContext<G, Change<W>>

  constructor(select: Regrouping<K, V, G, W>, key: Serde<G>) {
    this.#select = select
    this.#key = key
  }

  init(context: ProcessorContext<G, Change<W>>): void {
    this.#context = context
  }

  process(record: StreamRecord<K, Change<V>>): Done {
    const { key, value: change } = record
    if (!change.isLatest) return
    const now = isNothing(change.newValue) ? null : this.#select(change.newValue, key)
    const before = isNothing(change.oldValue) ? null : this.#select(change.oldValue, key)
    if (!isPromise(now) && !isPromise(before)) return this.#pass(record, now, before)
    return Promise.all([now, before]).then(settled => this.#pass(record, ...settled))
  }

  #pass({ timestamp, headers }: StreamRecord<K, Change<V>>, now: Placed<G, W>, before: Placed<G, W>): Done {
    const added = isWhole(now) ? now : undefined
    const removed = isWhole(before) ? before : undefined
    const send = (key: G, value: Change<W>) => this.#context.forward({ key, value, timestamp, headers })
    if (added && removed && this.#isSame(added[0], removed[0])) return send(added[0], changeOf(added[1], removed[1]))
    const waiting = removed && send(removed[0], changeOf<W>(null, removed[1]))
    if (!added) return waiting
    const add = () => send(added[0], changeOf<W>(added[1], null))
    return waiting ? waiting.then(add) : add()
  }

  /** Objects are the same when their bytes are. */
  #isSame(one: G, other: G): boolean {
    if (one === other) return true
    if (typeof one !== 'object' || typeof other !== 'object') return false
    const context = { topic: 'a grouping', part: 'key' } as const
    return Buffer.compare(this.#key.serialize(one, context), this.#key.serialize(other, context)) === 0
  }
}

const isWhole = <G, W>(placed: Placed<G, W>): placed is readonly [G, W] =>
  !isNothing(placed) && !isNothing(placed[0]) && !isNothing(placed[1])
