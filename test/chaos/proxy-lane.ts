/**
 * One direction of one connection through the chaos proxy: bytes wait their delay, go out in pieces, not faster than allowed, and not
 * at all while the lane is silent. Order never changes.
 *
 *   push(bytes) ─▶ queue, each due `delayMs` after it came ─▶ pieces of `chunkBytes` ─▶ socket
 */
import type { Socket } from 'node:net'
import type { Random } from '@odradek/world'

export interface LaneWeather {
  /** Milliseconds each frame waits, drawn from [from, to). */
  readonly delayMs?: readonly [from: number, to: number]
  /** Bytes of one write; each goes out as a packet of its own. */
  readonly chunkBytes?: number
  readonly bytesPerSecond?: number
  /** Takes everything, passes nothing on, closes nothing: a black hole. */
  readonly isSilent?: boolean
}

/** What a lane may hold before whoever fills it should pause. */
const healthyBytes = 1024 * 1024

export class ProxyLane {
  readonly #to: Socket
  readonly #random: Random
  readonly #weather: () => LaneWeather
  readonly #queue: { bytes: Uint8Array; dueAt: number; then: (() => void) | undefined }[] = []
  #queuedBytes = 0
  #isRunning = false
  #lastDueAt = 0
  #wake: (() => void) | undefined
  #isOver = false
  onDrained: () => void = () => {}

  constructor(to: Socket, weather: () => LaneWeather, random: Random) {
    this.#to = to
    this.#weather = weather
    this.#random = random
  }

  get isFull(): boolean {
    return this.#queuedBytes > healthyBytes
  }

  /** `then` is called when the bytes have been handed to the socket. */
  push(bytes: Uint8Array, then?: () => void): void {
    const [from, to] = this.#weather().delayMs ?? [0, 0]
    this.#lastDueAt = Math.max(this.#lastDueAt, performance.now() + from + this.#random.next() * (to - from))
    this.#queue.push({ bytes, dueAt: this.#lastDueAt, then })
    this.#queuedBytes += bytes.length
    if (!this.#isRunning) void this.#run()
  }

  /** Its weather has changed: what waits looks again. */
  wake(): void {
    this.#wake?.()
  }

  /** Nothing that is queued goes out any more. */
  end(): void {
    this.#isOver = true
    this.wake()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    for (let next = this.#queue.shift(); next !== undefined && !this.#isOver; next = this.#queue.shift()) {
      await this.#until(next.dueAt)
      await this.#send(next.bytes)
      this.#queuedBytes -= next.bytes.length
      if (!this.#isOver) next.then?.()
      if (!this.isFull) this.onDrained()
    }
    this.#isRunning = false
  }

  async #send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#isOver; ) {
      while (this.#weather().isSilent && !this.#isOver) await new Promise<void>(wake => (this.#wake = wake))
      if (this.#isOver) return
      const { chunkBytes = bytes.length, bytesPerSecond } = this.#weather()
      const piece = bytes.subarray(at, at + Math.min(chunkBytes, bytesPerSecond ? bytesPerSecond / 50 : chunkBytes))
      at += piece.length
      const isReady = this.#to.write(piece)
      if (bytesPerSecond) await this.#until(performance.now() + (1000 * piece.length) / bytesPerSecond)
      else if (at < bytes.length) await new Promise(setImmediate)
      if (!isReady && !this.#isOver) await drained(this.#to)
    }
  }

  #until(at: number): Promise<void> {
    const ms = at - performance.now()
    if (ms <= 0 || this.#isOver) return Promise.resolve()
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        if (!this.#isOver) return
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    const settle = () => {
      socket.off('drain', settle)
      socket.off('close', settle)
      resolve()
    }
    socket.once('drain', settle)
    socket.once('close', settle)
    if (socket.destroyed) settle()
  })
}
