import {
  type AnyApi,
  correlationIdOf,
  decodeResponse,
  encodeRequest,
  FrameSplitter,
  type RequestInput,
  type Response,
} from '@odradek/protocol'
import type { Address, Connection, Wire } from '@odradek/world'

/** A client without any cleverness: one connection, requests of any version, and bytes that are no requests at all. */
export class RawClient {
  /** Resolves when the broker has closed the connection. */
  readonly closed: Promise<void>
  readonly #wire: Connection
  readonly #splitter = new FrameSplitter(2 ** 31 - 1)
  readonly #waiting = new Map<number, (frame: Uint8Array) => void>()
  readonly #received: Uint8Array[] = []
  /** Correlation ids in the order their responses came. */
  readonly answered: number[] = []
  #lastId = 0
  #isClosed = false

  static async connect(wire: Wire, to: Address): Promise<RawClient> {
    return new RawClient(await wire.connect(to))
  }

  private constructor(wire: Connection) {
    this.#wire = wire
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    wire.handle({
      received: bytes => this.#take(bytes),
      closed: () => {
        this.#isClosed = true
        resolve()
      },
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Bytes that came and were no response to a request. */
  get stray(): string {
    return Buffer.concat(this.#received).toString('latin1')
  }

  /** Rejects when the connection closes instead of an answer. */
  async call<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): Promise<Response<A>> {
    const answer = this.answerTo(api, version, request)
    const frame = await Promise.race([answer, this.closed])
    if (!(frame instanceof Uint8Array))
      throw new Error(`the broker closed the connection instead of answering ${api.name}`)
    return decodeResponse(api, version, frame).value as Response<A>
  }

  /** The frame of the answer, undecoded. */
  answerTo<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): Promise<Uint8Array> {
    const { promise, resolve } = Promise.withResolvers<Uint8Array>()
    this.#waiting.set(this.tell(api, version, request), resolve)
    return promise
  }

  /** Sends a request that nobody answers, and returns its correlation id. */
  tell<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): number {
    const correlationId = ++this.#lastId
    this.#wire.send(encodeRequest(api, version, { correlationId, clientId: 'raw' }, request as never))
    return correlationId
  }

  send(bytes: Uint8Array): void {
    this.#wire.send([bytes])
  }

  /** Reads nothing from now on. */
  stopReading(): void {
    this.#wire.pause()
  }

  readAgain(): void {
    this.#wire.resume()
  }

  close(): void {
    this.#wire.destroy()
  }

  #take(bytes: Uint8Array): void {
    if (this.#waiting.size === 0) {
      this.#received.push(bytes)
      return
    }
    for (const frame of this.#splitter.push(bytes)) {
      const id = correlationIdOf(frame)
      this.answered.push(id)
      this.#waiting.get(id)?.(frame)
      this.#waiting.delete(id)
    }
  }
}
