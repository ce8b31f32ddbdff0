/**
 * A wire within this process. Which roads bytes take, and how bad those are, is given: see `memoryWire` here and the simulated wire.
 *
 * Hosts are names. Loopback and wildcard addresses mean the host that uses them, so two simulated machines may each listen on 127.0.0.1.
 */
import type { Clock } from '../clock.ts'
import { realClock } from '../real/clock.ts'
import type { Address, Connection, ConnectOptions, Listener, Wire } from '../wire.ts'
import { Endpoint } from './endpoint.ts'
import { systemError } from './folder-tree.ts'
import { Pipe, type Road } from './pipe.ts'

export interface Roads {
  /** Resolves when a first packet came through; rejects when none will, or with the signal's reason. */
  reach(from: string, to: Address, signal?: AbortSignal): Promise<void>
  /** One direction of a new connection. `cut` breaks that connection. */
  open(from: string, to: string, cut: () => void): Road
  /** Lets the program on a host know of something; at once where programs are never paused. */
  tell(host: string, act: () => void): void
}

const firstFreePort = 49_152

export class InProcessWire {
  readonly #clock: Clock
  readonly #roads: Roads
  readonly #listening = new Map<string, (connection: Connection) => void>()
  readonly #pairs = new Set<readonly [Endpoint, Endpoint]>()
  #nextPort = firstFreePort

  constructor(clock: Clock, roads: Roads) {
    this.#clock = clock
    this.#roads = roads
  }

  /** The wire as a program on `host` sees it. */
  from(host: string): Wire {
    return {
      listen: async (at, accept) => this.#listen(host, at, accept),
      connect: (to, options) => this.#connect(host, to, options),
    }
  }

  /** Breaks every connection for which `matches` holds; both ends see a reset. */
  cut(matches: (a: string, b: string) => boolean): void {
    for (const [a, b] of [...this.#pairs]) {
      if (matches(a.local.host, b.local.host) || matches(b.local.host, a.local.host)) cutPair(a, b)
    }
  }

  /** The process on `host` is gone: it listens no more and hears nothing; its peers see a reset. */
  crash(host: string): void {
    for (const key of [...this.#listening.keys()]) if (key.startsWith(`${host}:`)) this.#listening.delete(key)
    for (const [a, b] of [...this.#pairs]) {
      for (const end of [a, b]) if (end.local.host === host) end.abandon()
      cutPair(a, b)
    }
  }

  #listen(host: string, at: Address, accept: (connection: Connection) => void): Listener {
    const port = at.port === 0 ? this.#nextPort++ : at.port
    const key = `${named(at.host, host)}:${port}`
    if (this.#listening.has(key)) throw systemError('EADDRINUSE', 'address already in use', key)
    this.#listening.set(key, accept)
    return {
      address: { host: at.host, port },
      close: async () => {
        if (this.#listening.get(key) === accept) this.#listening.delete(key)
      },
    }
  }

  async #connect(from: string, to: Address, options: ConnectOptions = {}): Promise<Connection> {
    if (options.tls) throw new Error('TLS needs the real wire: leave `tls` out for a connection within this process')
    options.signal?.throwIfAborted()
    const host = named(to.host, from)
    await this.#roads.reach(from, { host, port: to.port }, options.signal)
    options.signal?.throwIfAborted()
    const accept = this.#listening.get(`${host}:${to.port}`)
    if (accept === undefined) throw systemError('ECONNREFUSED', 'nobody listens', `${to.host}:${to.port}`)
    const { near, far } = this.#pair({ host: from, port: this.#nextPort++ }, { host, port: to.port })
    accept(far)
    return near
  }

  #pair(a: Address, b: Address): { near: Endpoint; far: Endpoint } {
    const cut = () => cutPair(near, far)
    const there = new Pipe(this.#roads.open(a.host, b.host, cut), () => near.drained())
    const back = new Pipe(this.#roads.open(b.host, a.host, cut), () => far.drained())
    let left = 2
    const over = () => {
      if (--left === 0) this.#pairs.delete(pair)
    }
    const roads = this.#roads
    const near = new Endpoint(
      a,
      b,
      this.#clock,
      { in: back, out: there },
      { over, tell: act => roads.tell(a.host, act) },
    )
    const far = new Endpoint(
      b,
      a,
      this.#clock,
      { in: there, out: back },
      { over, tell: act => roads.tell(b.host, act) },
    )
    const pair = [near, far] as const
    this.#pairs.add(pair)
    return { near, far }
  }
}

function cutPair(a: Endpoint, b: Endpoint): void {
  const error = Object.assign(new Error('ECONNRESET: the connection broke'), { code: 'ECONNRESET' })
  a.cut(error)
  b.cut(error)
}

function named(host: string, own: string): string {
  return /^(localhost|127\.\d+\.\d+\.\d+|::1|0\.0\.0\.0|::|)$/.test(host) ? own : host
}

/** A wire without faults between parts of this process: an embedded broker and its clients. */
export function memoryWire(): Wire {
  const good: Road = { pieces: length => (length === 0 ? [] : [length]), carry: arrive => realClock.soon(arrive) }
  return new InProcessWire(realClock, { reach: async () => {}, open: () => good, tell: (_, act) => act() }).from(
    '127.0.0.1',
  )
}
