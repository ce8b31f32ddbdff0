import type { MaybePromise } from '../record.ts'
import type { Windowed } from '../state/stores.ts'
import { type AggregateOptions, inSessions, inWindows, keyed } from './aggregation.ts'
import { type Contribution, cogrouped } from './cogrouped.ts'
import type { KGroupedStream } from './k-grouped-stream.ts'
import { KTable } from './k-table.ts'
import type { SessionWindows, TimeWindows } from './windows.ts'

type Initial<A> = () => MaybePromise<A>

/** Several groupings that make one aggregate (KIP-150). Their topics must have equally many partitions. */
export class CogroupedKStream<K, A> {
  readonly #contributions: readonly Contribution<K, A>[]

  constructor(contributions: readonly Contribution<K, A>[]) {
    this.#contributions = contributions
  }

  /** One more grouping, and what its values make of the aggregate. */
  cogroup<V>(
    grouped: KGroupedStream<K, V>,
    next: (aggregate: A, value: V, key: K) => MaybePromise<A | null>,
  ): CogroupedKStream<K, A> {
    return new CogroupedKStream([...this.#contributions, { grouping: grouped.grouping, next }])
  }

  /** Begins every key with `initial`. */
  aggregate(initial: Initial<A>, options: AggregateOptions<K, A> = {}): KTable<K, A> {
    return new KTable(cogrouped(this.#contributions, keyed<K, A>(), initial, options))
  }

  /** `tumbling`, `hopping`, `sliding`, `unlimited`; or `session`. */
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, A>
  windowedBy(windows: TimeWindows): TimeWindowedCogroupedKStream<K, A>
  windowedBy(windows: SessionWindows | TimeWindows) {
    return windows.kind === 'session'
      ? new SessionWindowedCogroupedKStream(this.#contributions, windows)
      : new TimeWindowedCogroupedKStream(this.#contributions, windows)
  }
}

export class TimeWindowedCogroupedKStream<K, A> {
  readonly #contributions: readonly Contribution<K, A>[]
  readonly #windows: TimeWindows

  constructor(contributions: readonly Contribution<K, A>[], windows: TimeWindows) {
    this.#contributions = contributions
    this.#windows = windows
  }

  /** Begins every window with `initial`. */
  aggregate(initial: Initial<A>, options: AggregateOptions<K, A> = {}): KTable<Windowed<K>, A> {
    const windows = inWindows<K, A>(this.#windows, 'on-window-update')
    return new KTable(cogrouped(this.#contributions, windows, initial, options))
  }
}

export class SessionWindowedCogroupedKStream<K, A> {
  readonly #contributions: readonly Contribution<K, A>[]
  readonly #windows: SessionWindows

  constructor(contributions: readonly Contribution<K, A>[], windows: SessionWindows) {
    this.#contributions = contributions
    this.#windows = windows
  }

  /** `initial`, `merge`d with the sessions that a record joins. */
  aggregate(
    initial: Initial<A>,
    merge: (one: A, other: A, key: K) => MaybePromise<A>,
    options: AggregateOptions<K, A> = {},
  ): KTable<Windowed<K>, A> {
    const sessions = inSessions<K, A>(this.#windows, 'on-window-update', (one, other, key) => merge(one!, other, key))
    return new KTable(cogrouped(this.#contributions, sessions, initial, options))
  }
}
