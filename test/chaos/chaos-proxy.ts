/**
 * A TCP proxy between Kafka clients and a broker that does to their bytes what networks do. It knows frames, so that it can cut one
 * in half or lose the answer to one kind of request:
 *
 *   client ──▶ frames ──▶ lane (delay, pieces, rate, silence) ──▶ broker
 *   client ◀── lane ◀── frames (dropped, cut) ◀───────────────── broker
 *
 * A response that is dropped takes its connection with it, as a network does: responses carry no gaps. What happens at random comes from
 * a seed. Weather can be changed at any time and holds for connections that are open, too.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Address } from '@odradek/world'
import { SeededRandom } from '@odradek/world'
import { ProxiedConnection } from './proxied-connection.ts'
import type { LaneWeather } from './proxy-lane.ts'

export interface Weather {
  readonly requests?: LaneWeather
  readonly responses?: LaneWeather
  /** The chance that the answer to a request of such an API is lost, and the connection with it; the request has been served. */
  readonly loseResponses?: { readonly apiKeys: readonly number[]; readonly chance: number }
  /** The chance that a request of such an API is sent again, on a connection of its own, after it was answered; at once, or later. */
  readonly replayRequests?: Late
  /**
   * The chance that a request of such an API goes astray: its connection is reset before the broker has seen it, and it arrives on
   * another one, after its client has repeated it.
   */
  readonly strayRequests?: Late
  /** The chance that a connection is reset in the middle of a frame, either way. */
  readonly cutFrames?: number
}

export interface Late {
  readonly apiKeys: readonly number[]
  readonly chance: number
  /** Milliseconds, drawn from [from, to). */
  readonly delayMs?: readonly [from: number, to: number]
}

/** What has been done so far. */
export interface Tally {
  connections: number
  lostResponses: number
  replayedRequests: number
  strayRequests: number
  cutFrames: number
}

export class ChaosProxy implements AsyncDisposable {
  readonly address: Address
  readonly tally: Tally = { connections: 0, lostResponses: 0, replayedRequests: 0, strayRequests: 0, cutFrames: 0 }
  readonly #server: Server
  readonly #target: () => Address
  readonly #random: SeededRandom
  readonly #connections = new Set<ProxiedConnection>()
  readonly #late = new Set<NodeJS.Timeout>()
  #weather: Weather = {}

  /** `target` is asked for each connection: a broker may come back elsewhere. */
  static async start(target: Address | (() => Address), seed: number): Promise<ChaosProxy> {
    const server = createServer({ noDelay: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new ChaosProxy(server, typeof target === 'function' ? target : () => target, seed)
  }

  private constructor(server: Server, target: () => Address, seed: number) {
    this.#server = server
    this.#target = target
    this.#random = new SeededRandom(seed)
    this.address = { host: '127.0.0.1', port: (server.address() as { port: number }).port }
    server.on('connection', client => this.#accept(client))
  }

  get weather(): Weather {
    return this.#weather
  }

  set weather(weather: Weather) {
    this.#weather = weather
    for (const connection of this.#connections) connection.wake()
  }

  get openConnections(): number {
    return this.#connections.size
  }

  /** Resets every connection that is open. */
  cutAll(): void {
    for (const connection of this.#connections) connection.cut()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.close()
    for (const timer of this.#late) clearTimeout(timer)
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(client: Socket): void {
    this.tally.connections++
    const connection = new ProxiedConnection(client, connect({ ...this.#target(), noDelay: true }), {
      weather: () => this.#weather,
      random: this.#random,
      tally: this.tally,
      sendLater: (frame, late) => this.#sendLater(frame, late),
      closed: () => this.#connections.delete(connection),
    })
    this.#connections.add(connection)
  }

  /** A frame on a connection of its own, which is closed when something has been answered. */
  #sendLater(frame: Uint8Array, { delayMs: [from, to] = [0, 0] }: Late): void {
    const timer = setTimeout(
      () => {
        this.#late.delete(timer)
        const socket = connect({ ...this.#target(), noDelay: true })
        socket.on('error', () => {})
        socket.once('data', () => socket.destroy())
        socket.write(frame)
      },
      from + this.#random.next() * (to - from),
    )
    this.#late.add(timer)
  }
}
