/**
 * One connection to one broker: versions negotiated when it opens, then requests pipelined and answered in order.
 *
 *   opening ──ApiVersions──▶ open ──close(), timeout, loss, bad bytes──▶ closed
 *
 * - Answers come in the order of the requests (Kafka's law), so the oldest pending request owns the next frame; a correlation id
 *   that does not match means the two sides have lost step, and the connection ends.
 * - A request that times out ends the connection: whatever is behind it would wait for it too.
 * - A request whose signal aborts is forgotten by its caller alone; its answer is dropped when it comes.
 */
import {
  type AnyApi,
  ApiVersions,
  correlationIdOf,
  DecodeError,
  decodeResponse,
  encodeRequest,
  FrameSplitter,
  KafkaError,
  ProtocolError,
  type RequestInput,
  type Response,
} from '@odradek/protocol'
import type { Address, Clock, Connection, ConnectOptions, Timer, Wire } from '@odradek/world'
import { requestChannel } from '../diagnostics.ts'
import { connectFailed, connectionLost, connectTimedOut, handshakeFailed, requestTimedOut } from './failures.ts'
import { commonVersion, type FeatureLevels, readApiVersions, type VersionRanges } from './versions.ts'

export interface ConnectionSettings {
  readonly wire: Wire
  readonly clock: Clock
  readonly clientId: string
  readonly tls?: ConnectOptions['tls']
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly maxResponseBytes: number
  /** Default 0. */
  readonly firstCorrelationId?: number
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Until the answer; defaults to the connection's `requestTimeoutMs`. */
  readonly timeoutMs?: number | undefined
  /** Highest version to speak, for a request that a later version could not carry. */
  readonly maxVersion?: number | undefined
}

interface Pending {
  readonly api: string
  readonly correlationId: number
  readonly answer: (frame: Uint8Array) => void
  readonly fail: (error: Error) => void
  timer: Timer | undefined
}

const software = { clientSoftwareName: 'odradek', clientSoftwareVersion: '0.4.1' }

export class BrokerConnection {
  readonly address: Address
  readonly #wire: Connection
  readonly #settings: ConnectionSettings
  readonly #frames: FrameSplitter
  readonly #onClosed: (() => void)[] = []
  #pending: Pending[] = []
  #correlationId = 0
  #ranges: VersionRanges = new Map()
  #features: FeatureLevels = new Map()
  #closed: Error | undefined
  #firstBytes: Uint8Array | undefined

  static async open(address: Address, settings: ConnectionSettings, signal?: AbortSignal): Promise<BrokerConnection> {
    const { wire, clock, tls, connectTimeoutMs } = settings
    const late = new AbortController()
    const timer = clock.timer(connectTimeoutMs, () => late.abort(connectTimedOut(address, connectTimeoutMs)), {
      keepAlive: true,
    })
    const either = signal ? AbortSignal.any([signal, late.signal]) : late.signal
    try {
      const socket = await wire.connect(address, { signal: either, ...(tls && { tls }) })
      const connection = new BrokerConnection(address, socket, settings)
      await connection.#negotiate(either)
      return connection
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      throw error instanceof KafkaError ? error : connectFailed(address, !!tls, error)
    } finally {
      timer.cancel()
    }
  }

  private constructor(address: Address, wire: Connection, settings: ConnectionSettings) {
    this.address = address
    this.#wire = wire
    this.#settings = settings
    this.#correlationId = settings.firstCorrelationId ?? 0
    this.#frames = new FrameSplitter(settings.maxResponseBytes)
    wire.handle({ received: bytes => this.#received(bytes), closed: error => this.#lost(error) })
  }

  get isOpen(): boolean {
    return this.#closed === undefined
  }

  /** Requests that wait for an answer. */
  get inFlight(): number {
    return this.#pending.length
  }

  /** Calls `run` once when the connection has ended, at once when it already has. */
  onClosed(run: () => void): void {
    if (this.#closed) run()
    else this.#onClosed.push(run)
  }

  speaks(api: AnyApi): boolean {
    const theirs = this.#ranges.get(api.key)
    return theirs !== undefined && theirs.max >= api.versions[0] && theirs.min <= api.versions[1]
  }

  /** The highest version of `api` that both sides speak, -1 when there is none. */
  versionOf(api: AnyApi): number {
    return this.speaks(api) ? commonVersion(this.#ranges, api) : -1
  }

  /** The level of a feature that the cluster uses, 0 where it does not know the feature. */
  featureLevel(name: string): number {
    return this.#features.get(name) ?? 0
  }

  call<A extends AnyApi>(api: A, input: RequestInput<A>, options: CallOptions = {}): Promise<Response<A>> {
    if (!requestChannel.hasSubscribers) return this.#call(api, input, options)
    const version = this.speaks(api) ? commonVersion(this.#ranges, api, options.maxVersion) : -1
    const context = { api: api.name, version, ...this.address, clientId: this.#settings.clientId }
    return requestChannel.tracePromise(() => this.#call(api, input, options), context)
  }

  #call<A extends AnyApi>(api: A, input: RequestInput<A>, options: CallOptions): Promise<Response<A>> {
    const { signal, timeoutMs = this.#settings.requestTimeoutMs, maxVersion } = options
    return new Promise<Response<A>>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const version = commonVersion(this.#ranges, api, maxVersion)
      const done = signal ? this.#abortable(signal, reject) : undefined
      this.#exchange(
        api,
        version,
        input,
        timeoutMs,
        frame => {
          done?.()
          resolve(decodeResponse(api, version, frame).value as Response<A>)
        },
        error => {
          done?.()
          reject(error)
        },
      )
    })
  }

  /** Sends a request that is never answered (Produce with acks=0). False: the system is slow to take the bytes. */
  tell<A extends AnyApi>(api: A, input: RequestInput<A>, options: { maxVersion?: number } = {}): boolean {
    if (this.#closed) throw this.#closed
    const version = commonVersion(this.#ranges, api, options.maxVersion)
    return this.#wire.send(encodeRequest(api, version, this.#header(), input))
  }

  /** Fails what is pending with `error` and closes at once. */
  close(error?: Error): void {
    if (this.#closed) return
    this.#end(error)
    this.#wire.destroy()
  }

  #abortable(signal: AbortSignal, reject: (reason: unknown) => void): () => void {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    return () => signal.removeEventListener('abort', abort)
  }

  async #negotiate(signal: AbortSignal): Promise<void> {
    for (let version = ApiVersions.versions[1]; ; ) {
      const answer = readApiVersions(await this.#handshake(version, signal), version)
      if (answer.kind === 'refused') {
        this.close()
        throw new ProtocolError(answer.errorCode, { api: 'ApiVersions' })
      }
      if (answer.kind === 'ranges') {
        this.#ranges = answer.ranges
        this.#features = answer.features
        this.#firstBytes = undefined
        return
      }
      version = answer.to
    }
  }

  #handshake(version: number, signal: AbortSignal): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const abort = () => this.close(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      const settled = () => signal.removeEventListener('abort', abort)
      const fail = (error: Error) => {
        settled()
        reject(handshakeFailed(this.address, !!this.#settings.tls, this.#firstBytes, error))
      }
      const answer = (frame: Uint8Array) => {
        settled()
        resolve(frame)
      }
      this.#exchange(ApiVersions, version, software, this.#settings.connectTimeoutMs, answer, fail)
    })
  }

  #exchange<A extends AnyApi>(
    api: A,
    version: number,
    input: RequestInput<A>,
    timeoutMs: number,
    answer: Pending['answer'],
    fail: Pending['fail'],
  ): void {
    if (this.#closed) {
      fail(this.#closed)
      return
    }
    const header = this.#header()
    const { correlationId } = header
    let chunks: Uint8Array[]
    try {
      chunks = encodeRequest(api, version, header, input)
    } catch (error) {
      fail(error as Error)
      return
    }
    const late = () => this.close(requestTimedOut(this.address, api.name, correlationId, timeoutMs))
    const timer = this.#settings.clock.timer(timeoutMs, late, { keepAlive: true })
    this.#pending.push({ api: api.name, correlationId, answer, fail, timer })
    this.#wire.send(chunks)
  }

  #header(): { correlationId: number; clientId: string } {
    const correlationId = this.#correlationId
    this.#correlationId = (correlationId + 1) & 0x7fff_ffff
    return { correlationId, clientId: this.#settings.clientId }
  }

  #received(bytes: Uint8Array): void {
    if (this.#closed) return
    if (this.#ranges.size === 0) this.#firstBytes ??= bytes
    try {
      for (const frame of this.#frames.push(bytes)) this.#answered(frame)
    } catch (error) {
      this.close(error as Error)
    }
  }

  #answered(frame: Uint8Array): void {
    const correlationId = correlationIdOf(frame)
    const oldest = this.#pending[0]
    if (oldest?.correlationId !== correlationId) {
      throw new DecodeError(
        `an answer to request ${correlationId} came where one to ${oldest?.correlationId ?? 'none'} was due`,
      )
    }
    this.#pending.shift()
    oldest.timer?.cancel()
    try {
      oldest.answer(frame)
    } catch (error) {
      oldest.fail(error as Error)
      throw error
    }
  }

  #lost(error?: Error): void {
    if (!this.#closed) this.#end(error)
  }

  #end(error?: Error): void {
    const told = error instanceof KafkaError
    this.#closed = told ? error : connectionLost(this.address, 'the next request', this.#correlationId, error)
    const pending = this.#pending
    this.#pending = []
    for (const { api, correlationId, timer, fail } of pending) {
      timer?.cancel()
      fail(told ? error : connectionLost(this.address, api, correlationId, error))
    }
    for (const run of this.#onClosed.splice(0)) run()
  }
}
