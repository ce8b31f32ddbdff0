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
    ]
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
