import { inTurn, type Processor, type ProcessorContext, whenSettled } from '../processor.ts'
import { type Done, isNothing, type MaybePromise, type StreamRecord } from '../record.ts'
import type { JoinWindowStore } from '../state/stores.ts'
import type { UnjoinedKey, UnjoinedStore } from '../state/unjoined-store.ts'

/** What both sides of a join have seen of time, in one task. */
export class JoinTime {
  /** The largest timestamp of either side. */
  streamTime = -1
  /** No record that has not found anybody is older; Infinity: there is none. A restored store has not been looked through: 0. */
  eldestUnjoined = 0
  /** Where the last look ended: those between are looked at again when this one's window has passed, too. As in Kafka Streams. */
  lookedUntil = 0
  /** By the wall clock: not before this are results of nobody looked for again. */
  nextLook = 0
}

export interface StreamJoinSide<R> {
  readonly isLeft: boolean
  /** Seen from this side: how much older and younger the other's record may be (streams facts 2.24). */
  readonly beforeMs: number
  readonly afterMs: number
  readonly graceMs: number
  readonly otherWindow: string
  /** Where records of either side wait; undefined for an inner join. */
  readonly unjoined: string | undefined
  /** A record of this side that finds nobody is a result all the same. */
  readonly keepsUnjoined: boolean
  /** Of the right side, how much younger than it … for a record of either side that waits: until when it may find somebody. */
  readonly waitMs: { readonly left: number; readonly right: number }
  /** Left value first, whichever side this is. */
  join(left: unknown, right: unknown, key: unknown): MaybePromise<R>
  readonly time: JoinTime
}

/**
 * One side of a stream-stream join: a record meets what the other side has had within the window. What finds nobody waits until its
 * window and grace have passed, so that there is no result without a partner beside one with (KIP-633; streams facts 2.22).
 */
export class StreamStreamJoin<K, R> implements Processor<K, unknown, K, R> {
  readonly #side: StreamJoinSide<R>
  #context!: ProcessorContext<K, R>
  #others!: JoinWindowStore<K, unknown>
  #unjoined: UnjoinedStore<K, unknown> | undefined

  constructor(side: StreamJoinSide<R>) {
    this.#side = side
  }

  init(context: ProcessorContext<K, R>): void {
    const { otherWindow, unjoined } = this.#side
    this.#context = context
    this.#others = context.store(otherWindow)
    this.#unjoined = unjoined === undefined ? undefined : context.store(unjoined)
  }

  process(record: StreamRecord<K, unknown>): Done {
    const { time, keepsUnjoined } = this.#side
    const { key, value, timestamp } = record
    if (timestamp > time.streamTime) time.streamTime = timestamp
    if (isNothing(value)) return this.#context.dropped('it has no value, and is joined with nothing')
    if (isNothing(key))
      return keepsUnjoined
        ? this.#alone(record, value)
        : this.#context.dropped('it has no key, and is joined with nothing')
    const waiting = timestamp === time.streamTime ? this.#emitClosed(record) : undefined
    return waiting ? waiting.then(() => this.#meet(record)) : this.#meet(record)
  }

  #meet(record: StreamRecord<K, unknown>): Done {
    const { beforeMs, afterMs, keepsUnjoined, time } = this.#side
    const { key, value, timestamp } = record
    const until = timestamp + afterMs
    const found = this.#others.fetch(key, Math.max(0, timestamp - beforeMs), until)[Symbol.iterator]()
    const first = found.next()
    if (!first.done) {
      const waiting = this.#joined(record, first.value)
      return waiting
        ? waiting.then(() => inTurn(found, other => this.#joined(record, other)))
        : inTurn(found, other => this.#joined(record, other))
    }
    if (!keepsUnjoined) return
    if (until < time.streamTime) return this.#alone(record, value)
    this.#wait(record)
  }

  #joined({ key, value, timestamp, headers }: StreamRecord<K, unknown>, [at, other]: [number, unknown]): Done {
    const { isLeft, join } = this.#side
    this.#forget(key, at)
    const newest = Math.max(timestamp, at)
    return whenSettled(isLeft ? join(value, other, key) : join(other, value, key), result =>
      this.#context.forward({ key, value: result, timestamp: newest, headers }),
    )
  }

  /** The other side's record has found somebody. */
  #forget(key: K, timestamp: number): void {
    const { isLeft, time } = this.#side
    if (!this.#unjoined || time.eldestUnjoined > timestamp) return
    const at = { timestamp, isLeft: !isLeft, key }
    if (this.#unjoined.get(at) !== undefined) this.#unjoined.delete(at)
  }

  #alone(record: StreamRecord<K, unknown>, value: unknown): Done {
    const { isLeft, join } = this.#side
    const { key, timestamp, headers } = record
    return whenSettled(isLeft ? join(value, null, key) : join(null, value, key), result =>
      this.#context.forward({ key, value: result, timestamp, headers }),
    )
  }

  #wait({ key, value, timestamp }: StreamRecord<K, unknown>): void {
    const { isLeft, time } = this.#side
    if (timestamp < time.eldestUnjoined) time.eldestUnjoined = timestamp
    if (timestamp < time.lookedUntil) time.lookedUntil = timestamp
    const at = { timestamp, isLeft, key }
    const before = this.#unjoined!.get(at)
    this.#unjoined!.put(at, { isLeft, values: [...(before?.values ?? []), value] })
  }

  /** Results without a partner for what has waited long enough, by time; of one time the right side's first (streams facts 2.23). */
  #emitClosed(record: StreamRecord<K, unknown>): Done {
    const { time, waitMs, afterMs, graceMs } = this.#side
    if (!this.#unjoined || time.lookedUntil + afterMs + graceMs >= time.streamTime) return
    const now = this.#context.systemTime
    if (now < time.nextLook) return
    time.nextLook = now + this.#context.emitIntervalMs
    const closed: [UnjoinedKey<K>, readonly unknown[]][] = []
    time.eldestUnjoined = Number.POSITIVE_INFINITY
    time.lookedUntil = Number.POSITIVE_INFINITY
    const isOpen = { left: false, right: false }
    for (const [at, { values }] of this.#unjoined.all()) {
      time.lookedUntil = at.timestamp
      if (isOpen.left && isOpen.right) break
      const side = at.isLeft ? 'left' : 'right'
      if (at.timestamp + waitMs[side] + graceMs < time.streamTime) {
        closed.push([at, values])
        continue
      }
      isOpen[side] = true
      time.eldestUnjoined = Math.min(time.eldestUnjoined, at.timestamp)
    }
    for (const [at] of closed) this.#unjoined.delete(at)
    return inTurn(closed.values(), ([at, values]) => this.#emitAll(record, at, values))
  }

  #emitAll(record: StreamRecord<K, unknown>, at: UnjoinedKey<K>, values: readonly unknown[]): Done {
    const { join } = this.#side
    const { headers } = record
    const { key, timestamp, isLeft } = at
    return inTurn(values.values(), value =>
      whenSettled(isLeft ? join(value, null, key) : join(null, value, key), result =>
        this.#context.forward({ key, value: result, timestamp, headers }),
      ),
    )
  }
}
