/**
 * One direction of a connection in this process. What is sent arrives in order; how late and in which pieces the road decides.
 *
 *     send ─▶ road (in flight) ─▶ waiting (receiver paused) ─▶ received
 *             └────────────── queuedBytes ───────────────┘
 *
 * Bytes are copied once on their way: sender and receiver may each keep, and the receiver may change, what is theirs.
 */

/** Carries one direction. Calls `arrive` later, once per `carry`, in the order of the calls. */
export interface Road {
  /** The sizes the bytes arrive in; they add up to `length`. */
  pieces(length: number): number[]
  carry(arrive: () => void): void
}

export interface PipeEnd {
  received(bytes: Uint8Array): void
  /** The sender will send no more. */
  ended(): void
}

export const healthyQueueBytes: number = 256 * 1024

export class Pipe {
  queuedBytes = 0
  readonly #road: Road
  readonly #drained: () => void
  #end: PipeEnd | undefined
  #waiting: (Uint8Array | 'end')[] = []
  #paused = false
  #crowded = false
  #broken = false

  constructor(road: Road, drained: () => void) {
    this.#road = road
    this.#drained = drained
  }

  send(chunks: readonly Uint8Array[]): boolean {
    if (this.#broken) return false
    const bytes = joined(chunks)
    this.queuedBytes += bytes.length
    let at = 0
    for (const size of this.#road.pieces(bytes.length)) {
      const piece = bytes.subarray(at, at + size)
      at += size
      this.#road.carry(() => this.#arrive(piece))
    }
    if (this.queuedBytes > healthyQueueBytes) this.#crowded = true
    return !this.#crowded
  }

  finish(): void {
    if (!this.#broken) this.#road.carry(() => this.#arrive('end'))
  }

  /** Nothing that is still under way arrives. */
  break(): void {
    this.#broken = true
    this.#waiting = []
    this.queuedBytes = 0
  }

  open(end: PipeEnd): void {
    this.#end = end
    this.#flow()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#flow()
  }

  #arrive(what: Uint8Array | 'end'): void {
    if (this.#broken) return
    this.#waiting.push(what)
    this.#flow()
  }

  #flow(): void {
    while (this.#end !== undefined && !this.#paused && this.#waiting.length > 0) {
      const next = this.#waiting.shift()!
      if (next === 'end') {
        this.#end.ended()
        return
      }
      this.queuedBytes -= next.length
      this.#end.received(next)
    }
    if (!this.#crowded || this.queuedBytes > 0 || this.#broken) return
    this.#crowded = false
    this.#drained()
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
