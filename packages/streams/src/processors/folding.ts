import { isPromise } from '../processor.ts'
import type { MaybePromise } from '../record.ts'

/** How values become one: what an aggregation begins with, and how it goes on. Null: there is nothing (any more). */
export interface Folding<K = any, V = any, A = any> {
  initial(): MaybePromise<A | null>
  next(aggregate: A | null, value: V, key: K): MaybePromise<A | null>
}

export const counting: Folding<any, any, number> = {
  initial: () => 0,
  next: count => count! + 1,
}

/** The first value is taken as it is. */
export const reducing = <V>(reduce: (aggregate: V, value: V) => MaybePromise<V | null>): Folding<any, V, V> => ({
  initial: () => null,
  next: (aggregate, value) => (aggregate === null ? value : reduce(aggregate, value)),
})

/** Goes on from what was there, or from the beginning. */
export function fold<K, V, A>(
  folding: Folding<K, V, A>,
  before: { readonly value: A } | undefined,
  value: V,
  key: K,
): MaybePromise<A | null> {
  if (before) return folding.next(before.value, value, key)
  const initial = folding.initial()
  if (!isPromise(initial)) return folding.next(initial, value, key)
  return Promise.resolve(initial).then(beginning => folding.next(beginning, value, key))
}
