import type { Clock, Timer } from '@odradek/world'

/** A connection, as far as the budget minds. */
export interface Reader {
  /** Bytes until its half-received request is whole. */
  readonly missingBytes: number
  resume(): void
  /** It was let read alone and its request did not come: it has to go, for the others' sake. */
  evict(): void
}

/** The one that may read alone and receives nothing for so long is evicted. */
const stallMs = 1_000

/**
 * Bounds the bytes of requests that all connections together hold in memory, half-received ones included.
 *
 * While there is room everyone reads. When there is none, connections queue up and stop reading. Were all the memory taken by halves
 * of requests, nobody could ever finish; so the one that misses the least may read on, alone, until its request is whole. One that
 * uses this right to do nothing is evicted after a second, one that is slow after its patience. Memory is thus bounded by the limit
 * plus one request, and whoever sends what he announces waits for few.
 */
export class RequestBudget {
  readonly #clock: Clock
  readonly #limit: number
  readonly #patienceMs: number
  readonly #queue = new Set<Reader>()
  #held = 0
  #admitted: Reader | undefined
  #patience: Timer | undefined

  constructor(clock: Clock, limits: { bytes: number; patienceMs: number }) {
    this.#clock = clock
    this.#limit = limits.bytes
    this.#patienceMs = limits.patienceMs
  }

  get held(): number {
    return this.#held
  }

  hold(bytes: number): void {
    this.#held += bytes
  }

  release(bytes: number): void {
    this.#held -= bytes
    if (this.#queue.size > 0 && this.#held < this.#limit) this.#resumeAll()
  }

  /** True: read on. False: stop; `resume` will be called. */
  admits(reader: Reader): boolean {
    if (this.#held < this.#limit || reader === this.#admitted) return true
    this.#queue.add(reader)
    if (this.#admitted === undefined) this.#admitNext()
    return reader === this.#admitted
  }

  /** The reader holds no half of a request (any more), or is gone. */
  done(reader: Reader): void {
    this.#queue.delete(reader)
    if (reader === this.#admitted) this.#admitNext()
  }

  #admitNext(): void {
    this.#patience?.cancel()
    const next = this.#nearest()
    this.#admitted = next
    if (!next) return
    this.#queue.delete(next)
    this.#watch(next, this.#patienceMs)
    next.resume()
  }

  #nearest(): Reader | undefined {
    let nearest: Reader | undefined
    for (const reader of this.#queue) if (!nearest || reader.missingBytes < nearest.missingBytes) nearest = reader
    return nearest
  }

  #watch(reader: Reader, leftMs: number): void {
    const { missingBytes } = reader
    const stepMs = Math.min(leftMs, stallMs)
    this.#patience = this.#clock.timer(stepMs, () => {
      if (leftMs > stepMs && reader.missingBytes < missingBytes) this.#watch(reader, leftMs - stepMs)
      else reader.evict()
    })
  }

  #resumeAll(): void {
    this.#patience?.cancel()
    this.#admitted = undefined
    const queue = [...this.#queue]
    this.#queue.clear()
    for (const reader of queue) reader.resume()
  }
}
