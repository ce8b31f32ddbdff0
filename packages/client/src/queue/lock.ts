/**
 * The acquisition lock of records that were acquired together, timed on our side: half-way it is time to renew it where that is wanted,
 * and when it is over the broker has given the records to others for certain (its time began before ours).
 */
import type { Clock, Timer } from '@odradek/world'
import type { Delivery } from './delivery.ts'

export interface LockEvents {
  readonly onHalf: (deliveries: readonly Delivery[]) => void
  /** `left` of its deliveries had not been settled, and are somebody else's now. */
  readonly onEnd: (left: number) => void
}

export class Lock {
  readonly takenAt: number
  readonly ms: number
  /** Some of them may have another by now. */
  readonly deliveries: readonly Delivery[]
  isOver = false
  readonly #clock: Clock
  readonly #events: LockEvents
  #left: number
  #timer: Timer

  constructor(clock: Clock, ms: number, deliveries: readonly Delivery[], events: LockEvents) {
    this.#clock = clock
    this.ms = ms
    this.takenAt = clock.monotonic()
    this.deliveries = deliveries
    this.#left = deliveries.length
    this.#events = events
    for (const delivery of deliveries) delivery.lock = this
    this.#timer = clock.timer(ms / 2, () => this.#half())
  }

  /** One of its deliveries needs it no more. False when it is over already. */
  leave(): boolean {
    if (this.isOver) return false
    if (--this.#left === 0) this.end()
    return true
  }

  end(): void {
    if (this.isOver) return
    this.#timer.cancel()
    this.isOver = true
    this.#events.onEnd(this.#left)
  }

  #half(): void {
    this.#timer = this.#clock.timer(this.ms / 2, () => this.end())
    this.#events.onHalf(this.deliveries.filter(({ lock }) => lock === this))
  }
}
