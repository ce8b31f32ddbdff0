/**
 * Requests of transactions that a wire delivers again, late and on another connection: the fault by which a delayed EndTxn of one
 * transaction ended the next one. With transactions v2 nothing may come of it; with v1 the two cannot be told apart, so it is left out.
 */
import { AddOffsetsToTxn, AddPartitionsToTxn, EndTxn, TxnOffsetCommit } from '@odradek/protocol'
import type { Connection, SimulatedWorld, Wire } from '@odradek/world'

const kept: ReadonlySet<number> = new Set(
  [EndTxn, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit].map(api => api.key),
)
/** Older ones are forgotten. */
const mostKept = 20
const patienceMs = 500

export class Replaying {
  readonly #world: SimulatedWorld
  readonly #requests: Uint8Array[] = []

  constructor(world: SimulatedWorld) {
    this.#world = world
  }

  /** A wire that remembers what was sent over it. */
  remembering(wire: Wire): Wire {
    return {
      listen: (at, accept) => wire.listen(at, accept),
      connect: async (to, options) => this.#remembering(await wire.connect(to, options)),
    }
  }

  /** Sends one of the last requests once more, and listens to no answer. False: there is none. */
  async replay(host: string, port: number): Promise<boolean> {
    const { random, wire, clock } = this.#world
    const request = this.#requests[random.int(this.#requests.length)]
    if (request === undefined) return false
    const connection = await wire.from('stray').connect({ host, port })
    const { promise: over, resolve } = Promise.withResolvers<void>()
    connection.handle({ received: () => resolve(), closed: () => resolve() })
    connection.send([request])
    const patience = clock.timer(patienceMs, resolve)
    await over
    patience.cancel()
    connection.destroy()
    return true
  }

  #remembering(connection: Connection): Connection {
    return {
      local: connection.local,
      remote: connection.remote,
      get queuedBytes() {
        return connection.queuedBytes
      },
      handle: events => connection.handle(events),
      send: chunks => {
        this.#remember(chunks)
        return connection.send(chunks)
      },
      pause: () => connection.pause(),
      resume: () => connection.resume(),
      end: () => connection.end(),
      destroy: () => connection.destroy(),
    }
  }

  /** A client sends whole requests. */
  #remember(chunks: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(chunks)
    for (let at = 0; at + 6 <= bytes.length; ) {
      const end = at + 4 + bytes.readInt32BE(at)
      if (kept.has(bytes.readInt16BE(at + 4))) this.#requests.push(bytes.subarray(at, end))
      at = end
    }
    if (this.#requests.length > mostKept) this.#requests.splice(0, this.#requests.length - mostKept)
  }
}
