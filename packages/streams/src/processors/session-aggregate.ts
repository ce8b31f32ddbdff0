import { type Change, changeOf } from '../change.ts'
import { isPromise, type Processor, type ProcessorContext, whenSettled } from '../processor.ts'
import { type Done, isNothing, type MaybePromise, type StreamRecord } from '../record.ts'
import type { SessionStore, Windowed } from '../state/stores.ts'
import { FinalResults } from './final-results.ts'
import { fold } from './folding.ts'
import { type Forwarder, forwarderOf } from './forwarder.ts'
import type { WindowAggregation } from './window-aggregate.ts'

/** What two sessions make together; either may be null, with `reduce`. */
export type Merger<K, A> = (one: A | null, other: A, key: K) => MaybePromise<A | null>

export interface SessionAggregation<K, V, A> extends WindowAggregation<K, V, A> {
  readonly gapMs: number
  readonly merge: Merger<K, A>
}

type Session<K, A> = [Windowed<K>, A]

/**
 * Sessions: a record joins those of its key that lie within the gap, and all become one. Each that is merged away is removed and told
 * of as deleted, before the new one (streams facts 2.7). A session that ended before stream time less grace and gap is closed (2.3).
 */
export class SessionAggregate<K, V, A> implements Processor<K, V, Windowed<K>, Change<A>> {
  readonly #aggregation: SessionAggregation<K, V, A>
  #streamTime = -1
  /** The latest end of a session that was put. */
  #latestEnd = -1
  #context!: ProcessorContext<Windowed<K>, Change<A>>
  #sessions!: SessionStore<K, A>
  #forward!: Forwarder<Windowed<K>, A>
  #final: FinalResults<K, A> | undefined

  constructor(aggregation: SessionAggregation<K, V, A>) {
    this.#aggregation = aggregation
  }

  init(context: ProcessorContext<Windowed<K>, Change<A>>): void {
    const { store, emitsOnClose, sendsOldValues } = this.#aggregation
    const sessions: SessionStore<K, A> = context.store(store)
    this.#context = context
    this.#sessions = sessions
    if (!emitsOnClose) {
      this.#forward = forwarderOf(sessions, context, sendsOldValues)
      return
    }
    this.#forward = () => {}
    this.#final = new FinalResults(context, store, {
      spanMs: 1,
      *between(from, to) {
        for (const [window, value] of sessions.endingBetween(from, to)) yield { window, value, timestamp: window.end }
      },
    })
  }

  process(record: StreamRecord<K, V>): Done {
    const { timestamp, headers } = record
    const { graceMs, gapMs } = this.#aggregation
    if (isNothing(record.key)) {
      this.#context.dropped('a record to be aggregated has no key')
      return
    }
    if (timestamp > this.#streamTime) this.#streamTime = timestamp
    const closeTime = this.#streamTime - graceMs - gapMs
    const waiting = this.#final?.emit(closeTime, timestamp - this.#sessions.retentionMs + 1, headers)
    return waiting ? waiting.then(() => this.#add(record, closeTime)) : this.#add(record, closeTime)
  }

  #add(record: StreamRecord<K, V>, closeTime: number): Done {
    const { key, value, timestamp } = record
    const { folding, gapMs } = this.#aggregation
    const found: Session<K, A>[] = [...this.#sessions.overlapping(key, this.#earliestEnd(timestamp), timestamp + gapMs)]
    let start = timestamp
    let end = timestamp
    for (const [session] of found) {
      start = Math.min(start, session.start)
      end = Math.max(end, session.end)
    }
    if (end < closeTime) {
      this.#context.dropped(`its session from ${start} to ${end} is closed`)
      return
    }
    const session = { key, start, end }
    if (found.length === 0)
      return whenSettled(fold(folding, undefined, value, key), after => this.#keep(record, session, found, after))
    const merged = whenMerged(found, folding.initial(), this.#aggregation.merge)
    const after = isPromise(merged)
      ? Promise.resolve(merged).then(before => folding.next(before, value, key))
      : folding.next(merged, value, key)
    return whenSettled(after, settled => this.#keep(record, session, found, settled))
  }

  /** What waits to be emitted is still there, but no record joins it any more. */
  #earliestEnd(timestamp: number): number {
    const { gapMs, graceMs } = this.#aggregation
    return this.#final ? Math.max(timestamp - gapMs, this.#latestEnd - gapMs - graceMs + 1) : timestamp - gapMs
  }

  #keep(record: StreamRecord<K, V>, session: Windowed<K>, merged: readonly Session<K, A>[], after: A | null): Done {
    const grown = session.start === session.end ? [] : merged
    const waiting = this.#remove(grown, 0, record)
    return waiting ? waiting.then(() => this.#put(record, session, after)) : this.#put(record, session, after)
  }

  #remove(sessions: readonly Session<K, A>[], from: number, record: StreamRecord<K, V>): Done {
    for (let at = from; at < sessions.length; at++) {
      const session = sessions[at]![0]
      const oldValue = this.#aggregation.sendsOldValues ? (this.#sessions.fetch(session) ?? null) : null
      this.#sessions.put(session, null)
      const { headers } = record
      const waiting = this.#forward({
        key: session,
        value: changeOf<A>(null, oldValue),
        timestamp: session.end,
        headers,
      })
      if (waiting) return waiting.then(() => this.#remove(sessions, at + 1, record))
    }
  }

  #put({ headers }: StreamRecord<K, V>, session: Windowed<K>, after: A | null): Done {
    const oldValue = this.#aggregation.sendsOldValues ? (this.#sessions.fetch(session) ?? null) : null
    this.#sessions.put(session, after ?? null)
    if (session.end > this.#latestEnd) this.#latestEnd = session.end
    return this.#forward({ key: session, value: changeOf(after ?? null, oldValue), timestamp: session.end, headers })
  }
}

function whenMerged<K, A>(
  sessions: readonly Session<K, A>[],
  initial: MaybePromise<A | null>,
  merge: Merger<K, A>,
): MaybePromise<A | null> {
  let merged = initial
  for (const [{ key }, value] of sessions)
    merged = isPromise(merged) ? Promise.resolve(merged).then(one => merge(one, value, key)) : merge(merged, value, key)
  return merged
}
