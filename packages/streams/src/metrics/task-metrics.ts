import type { StateStore } from '../state/state-store.ts'
import { type Aspect, type Metric, metricsOf } from './metric.ts'
import { Sensor } from './sensor.ts'

const latencies: readonly Aspect[] = ['avg', 'max']

/** What a task tells of itself. */
export class TaskMetrics {
  readonly taskId: string
  readonly #process: Sensor
  readonly #punctuate: Sensor
  readonly #lateness: Sensor
  readonly #endToEnd: Sensor
  readonly #dropped: Sensor
  readonly #nodes = new Map<string, Sensor>()
  readonly #stores = new Map<string, Sensor>()
  readonly #caches = new Map<string, Sensor>()
  readonly #buffers = new Map<string, Sensor>()
  readonly #now: number

  constructor(taskId: string, now: number) {
    this.taskId = taskId
    this.#now = now
    this.#process = new Sensor(now)
    this.#punctuate = new Sensor(now)
    this.#lateness = new Sensor(now)
    this.#endToEnd = new Sensor(now)
    this.#dropped = new Sensor(now)
  }

  /** A turn: so many records in so many milliseconds. */
  processed(now: number, records: number, ms: number): void {
    this.#process.record(now, ms, records)
  }

  punctuated(now: number, ms: number): void {
    this.#punctuate.record(now, ms)
  }

  /** How far behind stream time the records of a turn were. */
  late(now: number, records: number, sumMs: number, maxMs: number): void {
    this.#lateness.record(now, sumMs, records, maxMs)
  }

  /** From a record's timestamp until it was processed; a sample per turn. */
  endToEnd(now: number, ms: number): void {
    this.#endToEnd.record(now, ms)
  }

  dropped(now: number): void {
    this.#dropped.record(now, 0)
  }

  /** Sensors of the level 'debug': a clock is read for each call. */
  node(name: string): Sensor {
    return sensorIn(this.#nodes, name, this.#now)
  }

  store(name: string, operation: string): Sensor {
    return sensorIn(this.#stores, `${operation} ${name}`, this.#now)
  }

  /** What caches and buffers tell of the turn that has ended. */
  sample(now: number, stores: Iterable<StateStore>): void {
    for (const store of stores) {
      const { cache, buffer } = store.gauges?.() ?? {}
      if (cache && cache.reads > 0) sensorIn(this.#caches, store.name, this.#now).record(now, cache.hits, cache.reads)
      if (!buffer) continue
      const { records, mostRecords, bytes, mostBytes } = buffer
      sensorIn(this.#buffers, `count ${store.name}`, this.#now).record(now, records, 1, mostRecords, records)
      sensorIn(this.#buffers, `size ${store.name}`, this.#now).record(now, bytes, 1, mostBytes, bytes)
    }
  }

  read(now: number): Metric[] {
    const place = { group: 'stream-task-metrics', tags: { 'task-id': this.taskId } }
    const of = (sensor: Sensor, name: string, value: string, aspects: readonly Aspect[]) =>
      metricsOf(place, { name, value, aspects }, sensor.read(now))
    return [
      ...of(this.#process, 'process', '-latency', [...latencies, 'rate', 'total']),
      ...of(this.#process, 'active-process', '', ['ratio']),
      ...of(this.#punctuate, 'punctuate', '-latency', [...latencies, 'rate', 'total']),
      ...of(this.#lateness, 'record-lateness', '', latencies),
      ...of(this.#endToEnd, 'record-e2e-latency', '', ['avg', 'max', 'min']),
      ...of(this.#dropped, 'dropped-records', '', ['rate', 'total']),
      ...this.#nodeMetrics(now),
      ...this.#storeMetrics(now),
      ...this.#bufferMetrics(now),
      ...this.#cacheMetrics(now),
    ]
  }

  #cacheMetrics(now: number): Metric[] {
    return [...this.#caches].flatMap(([store, sensor]) => {
      const place = {
        group: 'stream-record-cache-metrics',
        tags: { 'task-id': this.taskId, 'record-cache-id': store },
      }
      return metricsOf(place, { name: 'hit-ratio', aspects: ['avg', 'min', 'max'] }, sensor.read(now))
    })
  }

  #bufferMetrics(now: number): Metric[] {
    return [...this.#buffers].flatMap(([key, sensor]) => {
      const [what, store] = key.split(' ') as [string, string]
      const place = { group: 'stream-state-metrics', tags: { 'task-id': this.taskId, store } }
      return metricsOf(place, { name: `suppression-buffer-${what}`, aspects: latencies }, sensor.read(now))
    })
  }

  #nodeMetrics(now: number): Metric[] {
    return [...this.#nodes].flatMap(([name, sensor]) => {
      const tags = { 'task-id': this.taskId, 'processor-node-id': name }
      const aspects: readonly Aspect[] = [...latencies, 'rate', 'total']
      const place = { group: 'stream-processor-node-metrics', tags }
      return metricsOf(place, { name: 'process', value: '-latency', aspects }, sensor.read(now))
    })
  }

  #storeMetrics(now: number): Metric[] {
    return [...this.#stores].flatMap(([key, sensor]) => {
      const [operation, store] = key.split(' ') as [string, string]
      const place = { group: 'stream-state-metrics', tags: { 'task-id': this.taskId, store } }
      return metricsOf(place, { name: operation, value: '-latency', aspects: [...latencies, 'rate'] }, sensor.read(now))
    })
  }
}

function sensorIn(sensors: Map<string, Sensor>, key: string, now: number): Sensor {
  const known = sensors.get(key)
  if (known) return known
  const sensor = new Sensor(now)
  sensors.set(key, sensor)
  return sensor
}
