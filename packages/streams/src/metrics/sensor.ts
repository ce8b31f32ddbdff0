/** What a sensor tells: over the last half to whole minute, and since it was made. Undefined where nothing was recorded. */
export interface Reading {
  readonly avg: number | undefined
  readonly max: number | undefined
  readonly min: number | undefined
  /** Events per second. */
  readonly rate: number
  /** The part of the time that was spent in it. */
  readonly ratio: number
  /** Since it was made. */
  readonly total: number
}

interface Window {
  start: number
  count: number
  sum: number
  max: number
  min: number
}

const windowMs = 30_000
const windowCount = 2

/**
 * Events with a value each, mostly milliseconds, in two windows of thirty seconds, as Kafka's metrics have them. It reads no clock: who
 * records says when. Several events may be recorded at once, so that a turn of five hundred records costs what one does.
 */
export class Sensor {
  readonly #windows: Window[] = []
  readonly #since: number
  #total = 0

  constructor(now: number) {
    this.#since = now
  }

  /** `sum` and `max` of so many events. */
  record(now: number, sum: number, count = 1, max = sum / count, min = max): void {
    this.#total += count
    const window = this.#current(now)
    window.count += count
    window.sum += sum
    if (max > window.max) window.max = max
    if (min < window.min) window.min = min
  }

  read(now: number): Reading {
    const recent = this.#windows.filter(({ start }) => start > now - windowMs * windowCount)
    const count = recent.reduce((total, window) => total + window.count, 0)
    const sum = recent.reduce((total, window) => total + window.sum, 0)
    const since = Math.max(this.#since, now - windowMs * windowCount, recent[0]?.start ?? this.#since)
    // A window that has just begun would make a rate of anything.
    const elapsedMs = Math.max(now - since, Math.min(windowMs, now - this.#since), 1)
    const some = count > 0
    return {
      avg: some ? sum / count : undefined,
      max: some ? Math.max(...recent.map(({ max }) => max)) : undefined,
      min: some ? Math.min(...recent.map(({ min }) => min)) : undefined,
      rate: (count * 1_000) / elapsedMs,
      ratio: Math.min(1, sum / elapsedMs),
      total: this.#total,
    }
  }

  #current(now: number): Window {
    const last = this.#windows.at(-1)
    if (last && now < last.start + windowMs) return last
    const window = { start: now, count: 0, sum: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY }
    this.#windows.push(window)
    if (this.#windows.length > windowCount) this.#windows.shift()
    return window
  }
}
