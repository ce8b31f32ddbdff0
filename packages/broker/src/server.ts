import type { Clock, Connection, Listener, Timer, Wire } from '@odradek/world'
import { ClientConnection, type ConnectionHost } from './connection.ts'
import type { BrokerServices, Handler, NodeAddress } from './handler.ts'
import { plainHost } from './plain-host.ts'
import { RequestBudget } from './request-budget.ts'

export interface ServerOptions {
  wire: Wire
  clock: Clock
  listen: { host: string; port: number }
  /** What clients are told to dial for the first node; undefined: the address they dialled. */
  advertise: { host: string; port: number } | undefined
  handlers: ReadonlyMap<number, Handler>
  broker: BrokerServices
}

/** Sweeps for idle connections in one idle time. */
const sweepsPerIdle = 4
/** How long the sum of unsent answers is trusted, while no answer is made that would change it much. */
const unsentTrustMs = 50
const muchBytes = 256 * 1024

/**
 * The broker's ports, one per node, and the connections behind them: who is let in, who was quiet for too long, what everybody together
 * holds in memory.
 */
export class Server {
  readonly #options: ServerOptions
  readonly #connections = new Set<ClientConnection>()
  readonly #perAddress = new Map<string, number>()
  readonly #budget: RequestBudget
  readonly #ports: number[] = []
  #listeners: Listener[] = []
  #sweeper: Timer | undefined
  #isClosing = false
  #emptied: (() => void) | undefined
  /** Connections that were answered something that may not be sent yet. The idle ones are not among them. */
  readonly #behind = new Set<ClientConnection>()
  /** Bytes of answers that are not sent, and until when this is near enough to the truth. */
  #unsent = { bytes: 0, until: -Infinity }
  /** Bytes that answers being made may take. */
  #heldForAnswers = 0

  constructor(options: ServerOptions) {
    this.#options = options
    const { config } = options.broker
    const bytes = config.get('queued.max.request.bytes')
    this.#budget = new RequestBudget(options.clock, {
      bytes: bytes === -1 ? Infinity : bytes,
      patienceMs: config.get('request.timeout.ms'),
    })
    this.#sweepLater()
  }

  /** Where each node listens. */
  get addresses(): readonly { host: string; port: number }[] {
    return this.#ports.map(port => ({ host: this.#options.listen.host, port }))
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  async listen(): Promise<void> {
    const { wire, listen, broker } = this.#options
    for (const [i, nodeId] of broker.nodeIds.entries()) {
      const port = listen.port === 0 ? 0 : listen.port + i
      const listener = await wire.listen({ host: listen.host, port }, connection => this.#accept(connection, nodeId))
      this.#listeners.push(listener)
      this.#ports.push(listener.address.port)
    }
  }

  /** Accepts nobody any more, lets everything that runs answer, and closes; after `patienceMs` it does so without waiting. */
  async close(patienceMs: number): Promise<void> {
    this.#isClosing = true
    this.#sweeper?.cancel()
    await Promise.all(this.#listeners.map(listener => listener.close()))
    for (const connection of this.#connections) connection.close()
    if (this.#connections.size === 0) return
    await new Promise<void>(resolve => {
      this.#emptied = resolve
      const timer = this.#options.clock.timer(
        patienceMs,
        () => {
          for (const connection of this.#connections) connection.destroy()
        },
        { keepAlive: true },
      )
      this.#emptied = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  #accept(wire: Connection, nodeId: number): void {
    const refusal = this.#refusal(wire)
    if (refusal) {
      this.#options.broker.logger.warn({ client: wire.remote.host }, `refusing a connection: ${refusal}`)
      wire.handle({ received() {}, closed() {} })
      wire.destroy()
      return
    }
    const connection = new ClientConnection(wire, this.#host(nodeId))
    this.#connections.add(connection)
    const address = connection.clientHost
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1)
  }

  #refusal(wire: Connection): string | undefined {
    const { config } = this.#options.broker
    if (this.#isClosing) return 'the broker is closing'
    const most = config.get('max.connections')
    if (this.#connections.size >= most) return `there are ${most} connections already (max.connections)`
    const mostPerAddress = config.get('max.connections.per.ip')
    if ((this.#perAddress.get(`/${plainHost(wire.remote.host)}`) ?? 0) >= mostPerAddress) {
      return `there are ${mostPerAddress} connections from this address already (max.connections.per.ip)`
    }
    return undefined
  }

  #host(nodeId: number): ConnectionHost {
    const { handlers, broker } = this.#options
    return {
      handlers,
      broker,
      nodeId,
      budget: this.#budget,
      maxFrameBytes: broker.config.get('socket.request.max.bytes'),
      nodes: wire => this.#nodesFor(wire),
      answering: connection => void this.#behind.add(connection),
      answerRoom: () => this.#answerRoom(),
      holdForAnswer: bytes => this.#holdForAnswer(bytes),
      closed: connection => this.#closed(connection),
    }
  }

  #closed(connection: ClientConnection): void {
    if (!this.#connections.delete(connection)) return
    this.#behind.delete(connection)
    const left = this.#perAddress.get(connection.clientHost)! - 1
    if (left === 0) this.#perAddress.delete(connection.clientHost)
    else this.#perAddress.set(connection.clientHost, left)
    if (this.#connections.size === 0) this.#emptied?.()
  }

  #nodesFor(wire: Connection): NodeAddress[] {
    const { advertise, broker } = this.#options
    const rack = broker.config.get('broker.rack')
    return broker.nodeIds.map((nodeId, i) => ({
      nodeId,
      host: advertise?.host ?? plainHost(wire.local.host),
      port: advertise ? advertise.port + i : this.#ports[i]!,
      rack,
    }))
  }

  #answerRoom(): number {
    const now = this.#options.clock.monotonic()
    if (now > this.#unsent.until) this.#unsent = { bytes: this.#unsentBytes(), until: now + unsentTrustMs }
    const room = this.#options.broker.config.get('odradek.response.buffer.bytes') / 2
    return Math.max(0, Math.floor(room - this.#unsent.bytes - this.#heldForAnswers))
  }

  #unsentBytes(): number {
    let sum = 0
    for (const connection of this.#behind) {
      const bytes = connection.queuedBytes
      if (bytes === 0) this.#behind.delete(connection)
      sum += bytes
    }
    return sum
  }

  #holdForAnswer(bytes: number): void {
    this.#heldForAnswers += bytes
    if (bytes < -muchBytes) this.#unsent.until = -Infinity
  }

  #sweepLater(): void {
    const idleMs = this.#options.broker.config.get('connections.max.idle.ms')
    if (idleMs < 0) return
    this.#sweeper = this.#options.clock.timer(Math.max(1, idleMs / sweepsPerIdle), () => {
      for (const connection of this.#connections) if (connection.isIdle(sweepsPerIdle)) connection.close()
      this.#sweepLater()
    })
  }
}
