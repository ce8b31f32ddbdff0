/** One connection through the chaos proxy: two sockets, two lanes, and which API each request in flight was. */
import type { Socket } from 'node:net'
import { correlationIdOf, decodeRequestHeader, FrameSplitter } from '@odradek/protocol'
import type { Random } from '@odradek/world'
import type { Late, Tally, Weather } from './chaos-proxy.ts'
import { ProxyLane } from './proxy-lane.ts'

export interface ProxiedHost {
  weather(): Weather
  readonly random: Random
  readonly tally: Tally
  /** On another connection. */
  sendLater(frame: Uint8Array, late: Late): void
  closed(): void
}

interface InFlight {
  readonly apiKey: number
  readonly frame: Uint8Array
}

export class ProxiedConnection {
  readonly #client: Socket
  readonly #broker: Socket
  readonly #host: ProxiedHost
  readonly #toBroker: ProxyLane
  readonly #toClient: ProxyLane
  /** By correlation id. */
  readonly #inFlight = new Map<number, InFlight>()
  #isOver = false

  constructor(client: Socket, broker: Socket, host: ProxiedHost) {
    this.#client = client
    this.#broker = broker
    this.#host = host
    this.#toBroker = new ProxyLane(broker, () => host.weather().requests ?? {}, host.random)
    this.#toClient = new ProxyLane(client, () => host.weather().responses ?? {}, host.random)
    this.#pump(client, this.#toBroker, frame => this.#request(frame))
    this.#pump(broker, this.#toClient, frame => this.#response(frame))
  }

  wake(): void {
    this.#toBroker.wake()
    this.#toClient.wake()
  }

  /** Resets both ends. */
  cut(): void {
    if (this.#isOver) return
    this.#client.resetAndDestroy()
    this.#broker.resetAndDestroy()
    this.#over()
  }

  close(): void {
    this.#client.destroy()
    this.#broker.destroy()
    this.#over()
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#toBroker.end()
    this.#toClient.end()
    this.#host.closed()
  }

  #pump(from: Socket, lane: ProxyLane, take: (frame: Uint8Array) => void): void {
    const splitter = new FrameSplitter(2 ** 31 - 1)
    from.on('data', (chunk: Buffer) => {
      // The splitter keeps views of what it was given, and so may the lane.
      for (const frame of splitter.push(chunk)) if (!this.#isOver) take(withLength(frame))
      if (lane.isFull) from.pause()
    })
    lane.onDrained = () => from.resume()
    from.on('error', () => {})
    from.on('close', () => this.close())
  }

  #request(frame: Uint8Array): void {
    if (this.#isCut(frame, this.#toBroker)) return
    const { apiKey, correlationId } = decodeRequestHeader(frame.subarray(4))
    const { strayRequests } = this.#host.weather()
    if (this.#strikes(strayRequests, apiKey)) {
      this.#host.tally.strayRequests++
      this.#host.sendLater(frame, strayRequests)
      this.cut()
      return
    }
    this.#inFlight.set(correlationId, { apiKey, frame })
    this.#toBroker.push(frame)
  }

  #response(frame: Uint8Array): void {
    const { loseResponses, replayRequests } = this.#host.weather()
    const id = correlationIdOf(frame.subarray(4))
    const request = this.#inFlight.get(id)
    this.#inFlight.delete(id)
    if (request && this.#strikes(replayRequests, request.apiKey)) {
      this.#host.tally.replayedRequests++
      this.#host.sendLater(request.frame, replayRequests)
    }
    if (request && this.#strikes(loseResponses, request.apiKey)) {
      this.#host.tally.lostResponses++
      this.cut()
    } else if (!this.#isCut(frame, this.#toClient)) this.#toClient.push(frame)
  }

  #strikes<W extends { apiKeys: readonly number[]; chance: number }>(what: W | undefined, apiKey: number): what is W {
    return what?.apiKeys.includes(apiKey) === true && this.#host.random.next() < what.chance
  }

  /** Half of the frame goes out, then both ends are reset. */
  #isCut(frame: Uint8Array, lane: ProxyLane): boolean {
    const { cutFrames = 0 } = this.#host.weather()
    if (cutFrames === 0 || this.#host.random.next() >= cutFrames) return false
    this.#host.tally.cutFrames++
    lane.push(frame.subarray(0, 1 + this.#host.random.int(frame.length - 1)), () => this.cut())
    return true
  }
}

function withLength(frame: Uint8Array): Uint8Array {
  const whole = Buffer.allocUnsafe(4 + frame.length)
  whole.writeInt32BE(frame.length)
  whole.set(frame, 4)
  return whole
}
