/**
 * One end of a connection in this process.
 *
 *     open ──end()──▶ ending ──peer ended, or lingered──▶ closed
 *       │                                                   ▲
 *       └──────── peer ended · destroy() · cut ─────────────┘
 *
 * `closed` is told exactly once, never from within the caller's own call, and nothing is received after `end` or `destroy`.
 */
import type { Clock, Timer } from '../clock.ts'
import type { Address, Connection, ConnectionEvents } from '../wire.ts'
import type { Pipe } from './pipe.ts'

/** How long an ended connection may wait for the peer to end it too. */
const lingerMs = 2_000

interface Surroundings {
  /** This end is closed. */
  over(): void
  /** Lets the program at this end know of something. */
  tell(act: () => void): void
}

export class Endpoint implements Connection {
  readonly local: Address
  readonly remote: Address
  readonly #clock: Clock
  readonly #in: Pipe
  readonly #out: Pipe
  readonly #around: Surroundings
  #events: ConnectionEvents | undefined
  #state: 'open' | 'ending' | 'closed' = 'open'
  #error: Error | undefined
  #linger: Timer | undefined

  constructor(local: Address, remote: Address, clock: Clock, pipes: { in: Pipe; out: Pipe }, around: Surroundings) {
    this.local = local
    this.remote = remote
    this.#clock = clock
    this.#in = pipes.in
    this.#out = pipes.out
    this.#around = around
  }

  handle(events: ConnectionEvents): void {
    this.#events = events
    if (this.#state === 'closed') {
      this.#tellClosed()
      return
    }
    this.#in.open({
      received: bytes => {
        if (this.#state === 'open') events.received(bytes)
      },
      ended: () => {
        this.#out.finish()
        this.#close()
      },
    })
  }

  send(chunks: readonly Uint8Array[]): boolean {
    return this.#state === 'open' && this.#out.send(chunks)
  }

  get queuedBytes(): number {
    return this.#out.queuedBytes
  }

  drained(): void {
    this.#around.tell(() => {
      if (this.#state === 'open') this.#events?.drained?.()
    })
  }

  pause(): void {
    if (this.#state === 'open') this.#in.pause()
  }

  resume(): void {
    this.#in.resume()
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#out.finish()
    this.#linger = this.#clock.timer(lingerMs, () => this.#close())
    this.#in.resume()
  }

  destroy(): void {
    if (this.#state === 'closed') return
    this.#out.finish()
    this.#close()
  }

  /** The connection breaks under way: what is in flight is lost. */
  cut(error: Error): void {
    this.#error ??= error
    this.#out.break()
    this.#close()
  }

  /** The process at this end is gone: nobody is left to be told. */
  abandon(): void {
    this.#events = undefined
    this.#out.break()
    this.#close()
  }

  #close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#linger?.cancel()
    this.#in.break()
    this.#around.over()
    this.#tellClosed()
  }

  #tellClosed(): void {
    const events = this.#events
    if (events) queueMicrotask(() => this.#around.tell(() => events.closed(this.#error)))
  }
}
