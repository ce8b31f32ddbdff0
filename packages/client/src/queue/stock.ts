/** Records that were acquired and wait for the application, first come first served. Those whose lock has passed meanwhile are left out. */
import { abandonable } from '../cluster/abandon.ts'
import type { Delivery } from './delivery.ts'

export class Stock {
  #waiting: Delivery[] = []
  #head = 0
  #arrival: PromiseWithResolvers<void> | undefined
  readonly #onTaken: (delivery: Delivery) => void
  #end: { readonly error: Error | undefined } | undefined

  constructor(onTaken: (delivery: Delivery) => void) {
    this.#onTaken = onTaken
  }

  put(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.#waiting.push(delivery)
    this.wake()
  }

  /** Nothing is handed out any more: `next` answers undefined, or throws the error. */
  close(error?: Error): void {
    this.#end ??= { error }
    this.#waiting = []
    this.#head = 0
    this.wake()
  }

  /** The next record if there is one now. */
  take(): Delivery | undefined {
    while (this.#head < this.#waiting.length) {
      const delivery = this.#waiting[this.#head++]!
      if (this.#head > 1_000 && this.#head * 2 > this.#waiting.length) this.#compact()
      if (delivery.state !== 'waiting' || delivery.lock.isOver) continue
      delivery.state = 'out'
      this.#onTaken(delivery)
      return delivery
    }
    this.#compact()
    return undefined
  }

  /** Undefined when nothing is handed out any more, or the one who asks wants no more. */
  async next(signal?: AbortSignal, isEnough = () => false): Promise<Delivery | undefined> {
    for (;;) {
      signal?.throwIfAborted()
      if (isEnough()) return undefined
      if (this.#end?.error) throw this.#end.error
      if (this.#end) return undefined
      const delivery = this.take()
      if (delivery) return delivery
      this.#arrival ??= Promise.withResolvers<void>()
      await abandonable(this.#arrival.promise, signal)
    }
  }

  /** Those who wait look again. */
  wake(): void {
    this.#arrival?.resolve()
    this.#arrival = undefined
  }

  #compact(): void {
    this.#waiting = this.#waiting.slice(this.#head)
    this.#head = 0
  }
}
