import type { StateStore } from '../state/state-store.ts'
import type { Sensor } from './sensor.ts'

/** Kafka's names of what a store is asked, by our methods. Scans are measured until they answer, not until they are read. */
const operations: Readonly<Record<string, string>> = {
  get: 'get',
  getAsOf: 'get',
  put: 'put',
  putIfAbsent: 'put-if-absent',
  delete: 'delete',
  range: 'range',
  prefixScan: 'prefix-scan',
  all: 'all',
  fetch: 'fetch',
  windows: 'fetch',
  allWindows: 'all',
  keyRange: 'range',
  overlapping: 'fetch',
  sessions: 'fetch',
  endingBetween: 'range',
  versions: 'fetch',
  flush: 'flush',
}

/** Has the store's calls timed from now on, while there is a sensor. `monotonic` is read twice for each. */
export function measure(
  store: StateStore,
  sensorOf: (operation: string) => Sensor | undefined,
  monotonic: () => number,
): void {
  const methods = store as unknown as Record<string, unknown>
  for (const [name, operation] of Object.entries(operations)) {
    const original = methods[name]
    if (typeof original !== 'function') continue
    methods[name] = (...args: unknown[]): unknown => {
      const start = monotonic()
      const answer: unknown = original.apply(store, args)
      const end = monotonic()
      sensorOf(operation)?.record(end, end - start)
      return answer
    }
  }
}
