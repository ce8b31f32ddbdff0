import { type Change, changeOf } from '../change.ts'
import type { GetterSupplier, ValueGetter } from '../dsl/flow.ts'
import { isPromise, type Processor, type ProcessorContext } from '../processor.ts'
import { isNothing, type MaybePromise } from '../record.ts'
import type { Timestamped } from '../state/stores.ts'

/** Whose row must be there for a result to be: this table's, the other's. */
export interface SidesNeeded {
  readonly needsThis: boolean
  readonly needsOther: boolean
}

export interface TableJoinSide<K, V, W, R> extends SidesNeeded {
  /** This side's value first, whichever side it is. */
  join(value: V | null, other: W | null, key: K): MaybePromise<R | null>
  readonly other: GetterSupplier<K, W>
  readonly sendsOldValues: () => boolean
  /** This table keeps a history: what is not its latest is passed over (streams facts 2.12). */
  readonly isVersioned: boolean
}

/**
 * One side of a table-table join: a change here meets the present value there. The result's timestamp is the larger of both, that of a
 * deletion, too, which may so be newer than the record that deletes (streams facts 2.9, 2.10).
 */
export function tableTableJoin<K, V, W, R>(side: TableJoinSide<K, V, W, R>): Processor<K, Change<V>, K, Change<R>> {
  const { needsThis, needsOther, join } = side
  let context: ProcessorContext<K, Change<R>>
  let other: ValueGetter<K, W>
  const sendsOld = side.sendsOldValues()
  const joined = (value: V | null, there: W | null, key: K): MaybePromise<R | null> => {
    if ((value === null && (needsThis || there === null)) || (there === null && needsOther)) return null
    return join(value, there, key)
  }
  return {
    init(given) {
      context = given
      other = side.other.make()
      other.init(given)
    },
    process({ key, value: change, timestamp, headers }) {
      if (isNothing(key)) return context.dropped('a table has no null key')
      if (side.isVersioned && !change.isLatest) return context.dropped('it is not the latest of its key')
      const found = other.get(key)
      const there = found?.value ?? null
      if (there === null && (needsOther || (change.newValue === null && change.oldValue === null))) return
      const newest = found ? Math.max(timestamp, found.timestamp) : timestamp
      const newValue = joined(change.newValue, there, key)
      const oldValue = sendsOld ? joined(change.oldValue, there, key) : null
      if (isPromise(newValue) || isPromise(oldValue))
        return Promise.all([newValue, oldValue]).then(([now, before]) =>
          context.forward({ key, value: changeOf(now, before, change.isLatest), timestamp: newest, headers }),
        )
      return context.forward({ key, value: changeOf(newValue, oldValue, change.isLatest), timestamp: newest, headers })
    },
  }
}

/** Reads a join's result without keeping it: both sides are read and joined again (streams facts 2.16). */
export function joinedGetter<K, V, W, R>(
  left: GetterSupplier<K, V>,
  right: GetterSupplier<K, W>,
  needs: { left: boolean; right: boolean },
  join: (left: V | null, right: W | null, key: K) => R | null,
): GetterSupplier<K, R> {
  return {
    stores: [...left.stores, ...right.stores],
    make() {
      const [one, other] = [left.make(), right.make()]
      const read = (key: K, here: Timestamped<V> | undefined, there: Timestamped<W> | undefined) => {
        if ((needs.left && !here) || (needs.right && !there) || (!here && !there)) return undefined
        const value = join(here?.value ?? null, there?.value ?? null, key)
        return value === null
          ? undefined
          : { value, timestamp: Math.max(here?.timestamp ?? -1, there?.timestamp ?? -1) }
      }
      return {
        init(context) {
          one.init(context)
          other.init(context)
        },
        get: key => read(key, one.get(key), other.get(key)),
        getAsOf: (key, timestamp) => read(key, one.getAsOf(key, timestamp), other.getAsOf(key, timestamp)),
        isVersioned: one.isVersioned && other.isVersioned,
      }
    },
  }
}
