/** How an aggregation is kept: by key, by window, by session. What is the same for all of them is in `aggregated` and `cogrouped`. */
import { type Serde, UsageError } from '@odradek/client'
import type { Processor } from '../processor.ts'
import { Aggregate } from '../processors/aggregate.ts'
import type { Folding } from '../processors/folding.ts'
import { type Merger, SessionAggregate } from '../processors/session-aggregate.ts'
import { SlidingAggregate } from '../processors/sliding-aggregate.ts'
import { AlignedAggregate, type Alignment } from '../processors/window-aggregate.ts'
import { sessionStore } from '../state/session-store.ts'
import type { StoreSpec } from '../state/state-store.ts'
import type { StoreOptions, Windowed } from '../state/stores.ts'
import { tableStoreSpec } from '../state/table-store.ts'
import { windowStore } from '../state/window-store.ts'
import type { NamedOptions, TableNode } from './flow.ts'
import type { StoreOption } from './store-option.ts'
import { storeTable } from './store-table.ts'
import { sessionTable, windowTable } from './window-table.ts'
import { windowedSerde } from './windowed-serde.ts'
import {
  type AlignedWindows,
  endOfTime,
  type SessionWindows,
  type TimeWindows,
  type UnlimitedWindow,
} from './windows.ts'

/**
 * When results of windows are passed on: with every record, or once, when the window has closed. Results then come when a record moves
 * time on, so that the last windows of a stream that has ended stay where they are.
 */
export type EmitStrategy = 'on-window-update' | 'on-window-close'

export interface AggregateOptions<K, A> extends NamedOptions, StoreOption<K, A> {
  /** Of the result, in the store, its changelog and what follows. */
  value?: Serde<A>
}

interface StoreGiven<K, A> {
  name: string
  key: Serde<K> | undefined
  value: Serde<A> | undefined
  options: StoreOptions<K, A>
}

/** `KR`: keys of the result. */
export interface Aggregation<K, KR, A> {
  readonly graceMs?: number
  resultKey(key: Serde<K> | undefined): Serde<KR> | undefined
  store(given: StoreGiven<K, A>): StoreSpec
  table(store: string, isVersioned: boolean): TableNode<KR, A>
  processor(store: string, folding: Folding<K, any, A>, sendsOldValues: boolean): Processor
}

export const keyed = <K, A>(): Aggregation<K, K, A> => ({
  resultKey: key => key,
  store: given => tableStoreSpec(given),
  table: (store, isVersioned) => storeTable(store, { isVersioned }),
  processor: (store, folding, sendsOldValues) => new Aggregate(store, folding, sendsOldValues),
})

export function inWindows<K, A>(windows: TimeWindows, emit: EmitStrategy): Aggregation<K, Windowed<K>, A> {
  const { graceMs } = windows
  const emitsOnClose = isOnClose(emit)
  if (windows.kind === 'unlimited' && emitsOnClose)
    throw new UsageError("The unlimited window never closes: emit 'on-window-update', or choose other windows.")
  const windowSizeMs = sizeOf(windows)
  const least = windows.kind === 'sliding' ? 2 * windows.differenceMs + graceMs : windowSizeMs + graceMs
  return {
    graceMs,
    resultKey: key => key && windowedSerde.time(key, windowSizeMs),
    store: given =>
      windowStore({ ...given, windowSizeMs, retentionMs: least, options: kept(given, least, emitsOnClose) }),
    table: windowTable,
    processor(store, folding, sendsOldValues) {
      const aggregation = { store, folding, sendsOldValues, emitsOnClose, graceMs }
      return windows.kind === 'sliding'
        ? new SlidingAggregate(aggregation, windows.differenceMs)
        : new AlignedAggregate(aggregation, alignmentOf(windows))
    },
  }
}

export function inSessions<K, A>(
  windows: SessionWindows,
  emit: EmitStrategy,
  merge: Merger<K, A>,
): Aggregation<K, Windowed<K>, A> {
  const { gapMs, graceMs } = windows
  const emitsOnClose = isOnClose(emit)
  const least = gapMs + graceMs
  return {
    graceMs: least, // so long after its end a session may still grow
    resultKey: key => key && windowedSerde.session(key),
    store: given => sessionStore({ ...given, retentionMs: least, options: kept(given, least, emitsOnClose) }),
    table: sessionTable,
    processor: (store, folding, sendsOldValues) =>
      new SessionAggregate({ store, folding, sendsOldValues, emitsOnClose, graceMs, gapMs, merge }),
  }
}

function isOnClose(emit: EmitStrategy): boolean {
  if (emit !== 'on-window-update' && emit !== 'on-window-close')
    throw new UsageError(`The emit strategy is '${emit as string}'; write 'on-window-update' or 'on-window-close'.`)
  return emit === 'on-window-close'
}

const sizeOf = (windows: TimeWindows): number => {
  if (windows.kind === 'sliding') return windows.differenceMs
  return windows.kind === 'aligned' ? windows.sizeMs : endOfTime - windows.startAt
}

const alignmentOf = (windows: AlignedWindows | UnlimitedWindow): Alignment =>
  windows.kind === 'aligned'
    ? { sizeMs: windows.sizeMs, advanceMs: windows.advanceMs, origin: 0 }
    : { sizeMs: sizeOf(windows), advanceMs: Number.POSITIVE_INFINITY, origin: windows.startAt }

/**
 * A store must not forget a window that may still change. Results that come once are kept a millisecond more, since a session that is
 * as old as the retention has not closed yet; and they are not held back any further by a cache (streams facts 2.19).
 */
function kept<K, A>({ name, options }: StoreGiven<K, A>, least: number, emitsOnClose: boolean): StoreOptions<K, A> {
  const { retentionMs = least } = options
  if (retentionMs < least)
    throw new UsageError(
      `\`retentionMs\` of store '${name}' is ${retentionMs}, and its windows may change for ${least} ms: write at least that.`,
    )
  return emitsOnClose ? { ...options, retentionMs: retentionMs + 1, caching: false } : options
}
