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
  /** The chance that a request of such an API is sent again, on a connection of its own, after it was answered. */
  readonly replayRequests?: { readonly apiKeys: readonly number[]; readonly chance: number }
  /** The chance that a connection is reset in the middle of a frame, either way. */
  readonly cutFrames?: number
}

/** What has been done so far. */
export interface Tally {
  connections: number
  lostResponses: number
  replayedRequests: number
  cutFrames: number
}

export class ChaosProxy implements AsyncDisposable {
  readonly address: Address
  readonly tally: Tally = { connections: 0, lostResponses: 0, replayedRequests: 0, cutFrames: 0 }
  readonly #server: Server
  readonly #target: () => Address
  readonly #random: SeededRandom
  readonly #connections = new Set<ProxiedConnection>()
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
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(client: Socket): void {
    this.tally.connections++
    const target = this.#target()
    const connection = new ProxiedConnection(client, connect({ ...target, noDelay: true }), {
      weather: () => this.#weather,
      random: this.#random,
      tally: this.tally,
      replay: frame => replay(target, frame),
      closed: () => this.#connections.delete(connection),
    })
    this.#connections.add(connection)
  }
}

/** Sends a frame on a connection of its own, and closes it when something has been answered. */
function replay(target: Address, frame: Uint8Array): void {
  const socket = connect({ ...target, noDelay: true })
  socket.on('error', () => {})
  socket.once('data', () => socket.destroy())
  socket.write(frame)
}
