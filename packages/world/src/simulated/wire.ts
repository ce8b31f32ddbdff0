/**
 * A wire with weather: every delay, split and cut comes from a seed.
 *
 * What holds: one direction of a connection is a queue, so bytes arrive in order and none is lost while the connection lives.
 * What does not: that they arrive in the pieces they were sent in, soon, or together with anything sent on another connection.
 * A partition delays, it does not lose, as TCP's retransmission does; only a cut or a crash ends a connection.
 */
import type { Clock } from '../clock.ts'
import { systemError } from '../memory/folder-tree.ts'
import type { Road } from '../memory/pipe.ts'
import { InProcessWire, type Roads } from '../memory/wire.ts'
import type { Address, Connection, ConnectOptions, Listener, Wire } from '../wire.ts'
import { ProcessGate } from './process-gate.ts'
import type { SeededRandom } from './random.ts'

export interface Weather {
  /** The least and most a piece is under way. Default 0.05 to 2 ms. */
  delayMs?: readonly [number, number]
  /** How often what was sent at once arrives in pieces, some of a single byte. Default 0.2. */
  splitChance?: number
  /** How often sending breaks the connection. Default 0. */
  cutChance?: number
}

/** A host that does not answer is given up after this, as Linux does. */
const connectTimeoutMs = 127_000
const mostPieces = 8
const defaultWeather: Required<Weather> = { delayMs: [0.05, 2], splitChance: 0.2, cutChance: 0 }
const ownHost = '127.0.0.1'

export class SimulatedWire implements Wire {
  readonly #clock: Clock
  readonly #random: SeededRandom
  #weather: Required<Weather>
  readonly #wire: InProcessWire
  readonly #partitions = new Set<string>()
  readonly #refusing = new Set<string>()
  readonly #gates = new Map<string, ProcessGate>()
  #waiting: { from: string; to: string; go: () => void }[] = []

  constructor(clock: Clock, random: SeededRandom, weather: Weather = {}) {
    this.#clock = clock
    this.#random = random
    this.#weather = { ...defaultWeather, ...weather }
    const roads: Roads = {
      reach: (from, to, signal) => this.#reach(from, to, signal),
      open: (from, to, cut) => this.#road(from, to, cut),
      tell: (host, act) => this.gate(host).happened(act),
    }
    this.#wire = new InProcessWire(clock, roads)
  }

  listen(at: Address, accept: (connection: Connection) => void): Promise<Listener> {
    return this.from(ownHost).listen(at, accept)
  }

  connect(to: Address, options?: ConnectOptions): Promise<Connection> {
    return this.from(ownHost).connect(to, options)
  }

  /** The wire as a program on `host` sees it. */
  from(host: string): Wire {
    return this.#wire.from(host)
  }

  /** Whether the program on `host` gets to hear what arrives. */
  gate(host: string): ProcessGate {
    const gate = this.#gates.get(host) ?? new ProcessGate(this.#clock)
    this.#gates.set(host, gate)
    return gate
  }

  /** Another weather, for what is sent from now on. */
  setWeather(weather: Weather): void {
    this.#weather = { ...defaultWeather, ...weather }
  }

  /** From now on nothing passes between the two hosts, either way, until `heal`. */
  partition(a: string, b: string): void {
    this.#partitions.add(pairOf(a, b))
  }

  /** Ends one partition, or all. What was under way arrives now. */
  heal(a?: string, b?: string): void {
    if (a !== undefined && b !== undefined) this.#partitions.delete(pairOf(a, b))
    else this.#partitions.clear()
    const ready = this.#waiting.filter(({ from, to }) => !this.#isParted(from, to))
    this.#waiting = this.#waiting.filter(({ from, to }) => this.#isParted(from, to))
    for (const { go } of ready) go()
  }

  /** Breaks the connections between two hosts, of one host, or all. Both ends see a reset; what is under way is lost. */
  cut(a?: string, b?: string): void {
    this.#wire.cut((x, y) => (a === undefined || x === a) && (b === undefined || y === b))
  }

  /** Whether new connections to `host` are refused. */
  refuse(host: string, refused = true): void {
    if (refused) this.#refusing.add(host)
    else this.#refusing.delete(host)
  }

  /** The process on `host` is gone: it hears nothing more, its peers see a reset. */
  crash(host: string): void {
    this.#wire.crash(host)
  }

  #isParted(from: string, to: string): boolean {
    return this.#partitions.has(pairOf(from, to))
  }

  #reach(from: string, to: Address, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        timeout.cancel()
        signal?.removeEventListener('abort', abort)
        act()
      }
      const abort = () => settle(() => reject(signal!.reason))
      const lost = systemError('ETIMEDOUT', 'no answer', `${to.host}:${to.port}`)
      const timeout = this.#clock.timer(connectTimeoutMs, () => settle(() => reject(lost)))
      signal?.addEventListener('abort', abort, { once: true })
      const come = () => {
        if (this.#isParted(from, to.host)) this.#waiting.push({ from, to: to.host, go: come })
        else if (this.#refusing.has(to.host))
          settle(() => reject(systemError('ECONNREFUSED', 'refused', `${to.host}:${to.port}`)))
        else this.gate(to.host).happened(() => this.gate(from).happened(() => settle(resolve)))
      }
      this.#clock.timer(this.#random.between(this.#weather.delayMs), come)
    })
  }

  #road(from: string, to: string, cut: () => void): Road {
    const underway: (() => void)[] = []
    let lastArrival = 0
    const land = () => {
      if (this.#isParted(from, to)) this.#waiting.push({ from, to, go: land })
      else {
        const arrive = underway.shift()!
        this.gate(to).happened(arrive)
      }
    }
    return {
      pieces: length => this.#pieces(length),
      carry: arrive => {
        underway.push(arrive)
        const now = this.#clock.monotonic()
        lastArrival = Math.max(lastArrival, now + this.#random.between(this.#weather.delayMs))
        this.#clock.timer(lastArrival - now, land)
        if (this.#random.chance(this.#weather.cutChance))
          this.#clock.timer(this.#random.between(this.#weather.delayMs), cut)
      },
    }
  }

  #pieces(length: number): number[] {
    if (length === 0) return []
    if (length === 1 || !this.#random.chance(this.#weather.splitChance)) return [length]
    const cuts = new Set<number>()
    for (let left = 1 + this.#random.int(mostPieces - 1); left > 0; left--) {
      const at = 1 + this.#random.int(length - 1)
      cuts.add(at)
      // A piece of one byte finds the reader that expects four.
      if (at + 1 < length && this.#random.chance(0.5)) cuts.add(at + 1)
    }
    const ends = [...cuts, length].sort((a, b) => a - b)
    return ends.map((end, i) => end - (ends[i - 1] ?? 0))
  }
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
