import { UsageError } from '@odradek/client'
import type { Timestamped, TimestampedKeyValueStore } from '../state/stores.ts'
import type { StreamTask } from '../task/stream-task.ts'

/** A store as a query sees it: all tasks of this instance together, read only. What other instances have is not in it. */
export interface ReadOnlyKeyValueStore<K, V> {
  get(key: K): Timestamped<V> | undefined
  /** Each task's in unsigned byte order of the serialised keys, one task after the other. */
  all(): Iterable<[K, Timestamped<V>]>
  readonly size: number
}

export function storeView<K, V>(name: string, tasks: () => readonly StreamTask[]): ReadOnlyKeyValueStore<K, V> {
  const stores = () =>
    tasks().flatMap(task => {
      const store = task.stores.get(name)
      return store ? [store as TimestampedKeyValueStore<K, V>] : []
    })
  return {
    get(key) {
      for (const store of stores()) {
        const found = store.get(key)
        if (found) return found
      }
      return undefined
    },
    *all() {
      for (const store of stores()) yield* store.all()
    },
    get size() {
      return stores().reduce((sum, store) => sum + store.size, 0)
    },
  }
}

export function mustKnowStore(name: string, names: readonly string[]): void {
  if (!names.includes(name))
    throw new UsageError(`The topology has no store '${name}'. It has: ${names.join(', ') || 'none'}.`)
}
