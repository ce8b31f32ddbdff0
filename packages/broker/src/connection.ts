import {
  ApiVersions,
  decodeRequestBody,
  decodeRequestHeader,
  ErrorCodes,
  FrameSplitter,
  KafkaError,
} from '@odradek/protocol'
import type { Connection } from '@odradek/world'
import { encodedResponse, failedResponse } from './answer.ts'
import { foreignProtocol } from './foreign-protocol.ts'
import type { BrokerServices, Handler, NodeAddress } from './handler.ts'
import { mergedChunks } from './merged-chunks.ts'
import { plainHost } from './plain-host.ts'
import type { Reader, RequestBudget } from './request-budget.ts'
import { closingDueTo, refusalOf } from './request-check.ts'
import { RequestScope } from './request-scope.ts'

/**
 * One client's connection: frames in, responses out, in the order of the requests.
 *
 *     bytes ─▶ FrameSplitter ─▶ waiting (frames) ─▶ running (one, or several Produce) ─▶ out (chunks) ─▶ one send per turn
 *
 * Requests run one at a time, as in Kafka, but Produce requests may follow each other without waiting: they reach the log in
 * their order, and a pipelining producer keeps it busy. Whoever reads his answers slower than he asks is not heard until he has caught
 * up; reading also stops while more than a few MiB of his requests, or too many of everybody's (RequestBudget), are held.
 */
export interface ConnectionHost {
  readonly handlers: ReadonlyMap<number, Handler>
  readonly broker: BrokerServices
  readonly budget: RequestBudget
  readonly maxFrameBytes: number
  readonly nodeId: number
  nodes(connection: Connection): readonly NodeAddress[]
  /** The connection may have bytes of answers that are not sent, until `queuedBytes` is 0. */
  answering(connection: ClientConnection): void
  /** Bytes that answers may take now; none when slow readers have left too much unread. */
  answerRoom(): number
  /** So many more bytes of answers are being made; fewer when negative. */
  holdForAnswer(bytes: number): void
  closed(connection: ClientConnection): void
}

interface Running {
  readonly handler: Handler
  readonly version: number
  readonly correlationId: number
  readonly bytes: number
  /** Undefined while the handler is at work. */
  response: object | null | undefined
}

/** More unread answers than this, or than the first allowance while there is no room for more, and no further request is started. */
const unreadMark = 1024 * 1024
/** The most record bytes in the first answer of a connection, and in every answer while there is no room for more. */
const firstAllowance = 256 * 1024
const lastAllowance = 64 * 1024 * 1024
const chunksPerSend = 512
/** Who holds no more than this reads on, however short memory is. */
const freeBytes = 16 * 1024
/** More held requests than this, and no further bytes are read. */
const heldMark = 16 * 1024 * 1024

export class ClientConnection implements Reader {
  readonly clientHost: string
  readonly host: ConnectionHost
  readonly #wire: Connection
  readonly #splitter: FrameSplitter
  readonly #abort = new AbortController()
  #waiting: Uint8Array[] = []
  /** Index into `waiting` of the frame to start next. */
  #next = 0
  #running: Running[] = []
  #out: Uint8Array[] = []
  /** Bytes of whole requests, waiting or running. */
  #held = 0
  /** Bytes of the half-received request, as told to the budget. */
  #partial = 0
  #willProceed = false
  #isPaused = false
  #isFirst = true
  #isClosing = false
  #isOver = false
  #quietSweeps = 0
  #allowance = firstAllowance
  /** What the answer being made may take of the memory for all answers. */
  #answerBytes = 0

  constructor(wire: Connection, host: ConnectionHost) {
    this.#wire = wire
    this.host = host
    this.clientHost = `/${plainHost(wire.remote.host)}`
    this.#splitter = new FrameSplitter(host.maxFrameBytes)
    wire.handle({
      received: bytes => this.#received(bytes),
      drained: () => this.#proceed(),
      closed: error => this.#over(error),
    })
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get missingBytes(): number {
    return this.#splitter.missing
  }

  /** Bytes of answers that are not sent. */
  get queuedBytes(): number {
    return this.#out.reduce((sum, chunk) => sum + chunk.length, this.#wire.queuedBytes)
  }

  nodes(): readonly NodeAddress[] {
    return this.host.nodes(this.#wire)
  }

  /**
   * How many bytes of records the answer may hold. It doubles with each answer: whoever asks again has read the last one, and whoever
   * never reads has been sent little. Beyond the first, there has to be room for them among all answers.
   */
  takeAllowance(wanted: number): number {
    this.giveBackAllowance()
    const bytes = Math.min(wanted, this.#allowance, Math.max(firstAllowance, this.host.answerRoom()))
    if (!this.#isOver) this.#holdForAnswer(bytes)
    return bytes
  }

  giveBackAllowance(): void {
    this.#holdForAnswer(-this.#answerBytes)
  }

  #holdForAnswer(bytes: number): void {
    this.#answerBytes += bytes
    this.host.holdForAnswer(bytes)
  }

  /** Logs why, and closes. */
  refuse(reason: string): void {
    this.#warn(reason)
    this.close()
  }

  /** Reads no more, lets what runs answer at once with what it has, sends that, closes. */
  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#dropWaiting()
    this.#pause()
    this.#abort.abort()
    this.#proceed()
  }

  destroy(): void {
    this.#wire.destroy()
  }

  /** Called now and then; true once it has been quiet for `sweeps` calls in a row, with nothing pending. */
  isIdle(sweeps: number): boolean {
    if (this.#running.length > 0 || this.#waiting.length > 0) this.#quietSweeps = 0
    return ++this.#quietSweeps > sweeps
  }

  resume(): void {
    if (this.#isClosing || this.#isOver || !this.#isPaused || this.#held > heldMark) return
    this.#isPaused = false
    this.#wire.resume()
  }

  evict(): void {
    this.#warn(`its request did not arrive in time while memory was short (${this.#partial} bytes had come)`)
    this.#wire.destroy()
  }

  #received(bytes: Uint8Array): void {
    if (this.#isClosing || this.#isOver) return
    this.#quietSweeps = 0
    if (this.#isFirst && this.#isForeign(bytes)) return
    let frames: Uint8Array[]
    try {
      frames = this.#splitter.push(bytes)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      this.refuse(closingDueTo(error))
      return
    }
    this.#account(frames)
    if (frames.length > 0) {
      if (this.#waiting.length === 0) this.#waiting = frames
      else this.#waiting.push(...frames)
      this.#proceed()
    }
    if (!this.#mayRead()) this.#pause()
  }

  #mayRead(): boolean {
    if (this.#held > heldMark) return false
    return this.#held + this.#partial <= freeBytes || this.host.budget.admits(this)
  }

  #account(frames: readonly Uint8Array[]): void {
    const { budget } = this.host
    let whole = 0
    for (const frame of frames) whole += frame.length
    this.#held += whole
    const partial = this.#splitter.buffered
    budget.hold(whole + partial - this.#partial)
    this.#partial = partial
    if (whole > 0) budget.done(this)
  }

  #isForeign(bytes: Uint8Array): boolean {
    this.#isFirst = false
    const foreign = foreignProtocol(bytes)
    if (!foreign) return false
    if (foreign.reply) this.#wire.send([Buffer.from(foreign.reply)])
    this.refuse(foreign.reason)
    return true
  }

  /** Starts what may start, sends what is answered, closes when it is time to. */
  #proceed(): void {
    if (this.#isOver) return
    this.#startWaiting()
    this.#flush()
    if (this.#isClosing && this.#running.length === 0) this.#end()
  }

  #startWaiting(): void {
    while (this.#next < this.#waiting.length && this.#mayStart(this.#waiting[this.#next]!)) {
      this.#start(this.#waiting[this.#next++]!)
      if (this.#out.length > chunksPerSend) this.#flush()
    }
    if (this.#next === this.#waiting.length) this.#waiting = []
    else if (this.#next > 64) this.#waiting.splice(0, this.#next)
    else return
    this.#next = 0
  }

  #dropWaiting(): void {
    this.#waiting = []
    this.#next = 0
  }

  #mayStart(frame: Uint8Array): boolean {
    // Below the smaller mark a wire does not say when it has drained: nobody would start this later.
    const unread = this.#wire.queuedBytes
    if (unread > firstAllowance && (unread > unreadMark || this.host.answerRoom() === 0)) return false
    const last = this.#running.at(-1)
    return last === undefined || (last.handler.isPipelined === true && keyOf(frame) === last.handler.api.key)
  }

  #start(frame: Uint8Array): void {
    try {
      const header = decodeRequestHeader(frame)
      const handler = this.host.handlers.get(header.apiKey)
      const refusal = refusalOf(handler, header)
      if (refusal !== undefined) {
        if (refusal === 'downgrade') this.#answerOldest(header.correlationId, frame.length)
        else this.refuse(refusal)
        return
      }
      const { apiVersion: version, correlationId, bodyAt } = header
      const request = decodeRequestBody(handler!.api, version, frame, bodyAt)
      const running: Running = { handler: handler!, version, correlationId, bytes: frame.length, response: undefined }
      this.#running.push(running)
      this.#run(running, request, new RequestScope(this, version, header.clientId))
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      this.refuse(closingDueTo(error))
    }
  }

  #run(running: Running, request: unknown, scope: RequestScope): void {
    try {
      const response = running.handler.handle(request as never, scope)
      if (response instanceof Promise) this.#awaitAnswer(running, response)
      else this.#answered(running, response)
    } catch (error) {
      this.#failed(running, error)
    }
  }

  #awaitAnswer(running: Running, response: Promise<object | null>): void {
    response.then(
      value => {
        this.#answered(running, value)
        this.#proceedSoon()
      },
      error => {
        this.#failed(running, error)
        this.#proceedSoon()
      },
    )
  }

  /** What one group commit answers leaves in one send: the other answers are in the microtask queue already. */
  #proceedSoon(): void {
    if (this.#running.length === 0) this.#proceed()
    else if (!this.#willProceed) {
      this.#willProceed = true
      queueMicrotask(() => {
        this.#willProceed = false
        this.#proceed()
      })
    }
  }

  #failed(running: Running, error: unknown): void {
    const response = failedResponse(running.handler.api, running.version, error, this.host.broker.logger)
    this.#answered(running, response ?? null)
    if (response) return
    this.refuse(`${running.handler.api.name} failed: ${error instanceof Error ? error.message : String(error)}`)
  }

  /** Puts into `out` what is answered, up to the first that still runs. */
  #answered(running: Running, response: object | null): void {
    running.response = response
    while (this.#running.length > 0 && this.#running[0]!.response !== undefined) {
      const { handler, version, correlationId, bytes, response: value = null } = this.#running.shift()!
      if (this.#answerBytes > 0) this.#allowance = Math.min(this.#allowance * 2, lastAllowance)
      if (value !== null && !this.#isOver) {
        const chunks = encodedResponse(handler.api, version, correlationId, value, this.host.broker.logger)
        if (chunks === undefined) this.close()
        else this.#queue(chunks)
      }
      // From here on it counts as unsent.
      this.giveBackAllowance()
      // Last, for it may make the wire hand over the next request at once, and that one's answer comes after this.
      this.#release(bytes)
    }
  }

  /** ApiVersions of a version nobody here knows is answered in version 0, and names the versions that are (KIP-511). */
  #answerOldest(correlationId: number, bytes: number): void {
    const [minVersion, maxVersion] = ApiVersions.versions
    const value = {
      errorCode: ErrorCodes.UNSUPPORTED_VERSION,
      apiKeys: [{ apiKey: ApiVersions.key, minVersion, maxVersion }],
    }
    this.#queue(encodedResponse(ApiVersions, 0, correlationId, value, this.host.broker.logger)!)
    this.#release(bytes)
  }

  #queue(chunks: Uint8Array[]): void {
    if (this.#out.length === 0) this.#out = chunks
    else this.#out.push(...chunks)
    this.host.answering(this)
  }

  #release(bytes: number): void {
    if (this.#isOver) return
    this.#held -= bytes
    this.host.budget.release(bytes)
    if (this.#isPaused && this.#mayRead()) this.resume()
  }

  #flush(): void {
    if (this.#out.length === 0) return
    const out = this.#out
    this.#out = []
    this.#wire.send(mergedChunks(out))
  }

  #warn(reason: string): void {
    this.host.broker.logger.warn({ client: this.clientHost, node: this.host.nodeId }, `closing a connection: ${reason}`)
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#wire.pause()
  }

  #end(): void {
    this.#isOver = true
    this.#abort.abort()
    this.#wire.end()
  }

  #over(error: Error | undefined): void {
    this.#isOver = true
    this.#abort.abort()
    this.giveBackAllowance()
    this.host.budget.release(this.#held + this.#partial)
    this.#held = 0
    this.#partial = 0
    this.#dropWaiting()
    this.host.budget.done(this)
    if (error) this.host.broker.logger.debug({ client: this.clientHost, error: error.message }, 'a connection broke')
    this.host.closed(this)
  }
}

const keyOf = (frame: Uint8Array): number => ((frame[0] ?? 0) << 8) | (frame[1] ?? 0)
