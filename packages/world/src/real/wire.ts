/**
 * TCP and TLS. Nagle's delay is off and keep-alive on; the chunks of one `send` leave in one system call where the system has room.
 */
import net from 'node:net'
import type { Address, Connection, ConnectionEvents, ConnectOptions, Listener, Wire } from '../wire.ts'

/** More than this queued in our process means the peer reads slower than we write. */
const healthyQueueBytes = 256 * 1024
const keepAliveAfterMs = 60_000
/** How long an ended connection may wait for the peer to end it too. */
const lingerMs = 2_000

export const realWire: Wire = { listen, connect }

function listen(at: Address, accept: (connection: Connection) => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = net.createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveAfterMs },
      // A peer that reset the connection before we looked has no address left.
      socket => (socket.remoteAddress === undefined ? socket.destroy() : accept(new RealConnection(socket))),
    )
    server.once('error', reject)
    server.listen({ host: at.host, port: at.port }, () => {
      server.off('error', reject)
      // Accepting fails while descriptors are short; the next connection tries again.
      server.on('error', () => {})
      resolve({
        address: { host: at.host, port: (server.address() as net.AddressInfo).port },
        close: () => stopListening(server),
      })
    })
  })
}

/** The port is free when this resolves; Node's own callback would wait for every open connection. */
function stopListening(server: net.Server): Promise<void> {
  server.close()
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}

async function connect(to: Address, options: ConnectOptions = {}): Promise<Connection> {
  options.signal?.throwIfAborted()
  const { socket, ready } = options.tls ? await openTls(to, options.tls) : openTcp(to)
  await untilReady(socket, ready, to, options.signal)
  return new RealConnection(socket)
}

const tcpOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveAfterMs }

function openTcp(to: Address): { socket: net.Socket; ready: string } {
  return { socket: net.connect({ ...tcpOptions, host: to.host, port: to.port }), ready: 'connect' }
}

async function openTls(
  to: Address,
  given: NonNullable<ConnectOptions['tls']>,
): Promise<{ socket: net.Socket; ready: string }> {
  const tls = await import('node:tls')
  // An IP address may not stand as a server name; the certificate is checked against it all the same.
  const servername = given.servername ?? (net.isIP(to.host) === 0 ? to.host : undefined)
  const socket = tls.connect({
    ...given,
    host: to.host,
    port: to.port,
    ...(servername === undefined ? {} : { servername }),
  })
  socket.setNoDelay(true)
  socket.setKeepAlive(true, keepAliveAfterMs)
  return { socket, ready: 'secureConnect' }
}

function untilReady(socket: net.Socket, ready: string, to: Address, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      socket.off(ready, succeeded).off('error', failed).off('close', closed)
      signal?.removeEventListener('abort', aborted)
      act()
    }
    const succeeded = () => settle(resolve)
    const failed = (error: Error) => settle(() => reject(firstCause(error)))
    const closed = () =>
      settle(() =>
        reject(Object.assign(new Error(`${to.host}:${to.port} closed the connection`), { code: 'ECONNRESET' })),
      )
    const aborted = () =>
      settle(() => {
        socket.on('error', () => {})
        socket.destroy()
        reject(signal!.reason)
      })
    socket.once(ready, succeeded).once('error', failed).once('close', closed)
    signal?.addEventListener('abort', aborted, { once: true })
    if (signal?.aborted) aborted()
  })
}

/** A name with several addresses fails with an AggregateError that has no message of its own. */
function firstCause(error: Error): Error {
  return error instanceof AggregateError && error.message === '' ? (error.errors[0] as Error) : error
}

class RealConnection implements Connection {
  readonly local: Address
  readonly remote: Address
  readonly #socket: net.Socket
  #events: ConnectionEvents | undefined
  #error: Error | undefined
  #closed = false
  #ending = false

  constructor(socket: net.Socket) {
    this.#socket = socket
    this.local = { host: socket.localAddress ?? '', port: socket.localPort ?? 0 }
    this.remote = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
    socket.on('error', error => {
      this.#error ??= error
    })
    socket.once('close', () => {
      this.#closed = true
      this.#events?.closed(this.#error)
    })
  }

  handle(events: ConnectionEvents): void {
    this.#events = events
    this.#socket.on('data', (bytes: Uint8Array) => {
      if (!this.#ending) events.received(bytes)
    })
    this.#socket.on('drain', () => {
      if (!this.#ending) events.drained?.()
    })
    // It may be over already: the socket closed while its owner awaited something else.
    if (this.#closed) queueMicrotask(() => events.closed(this.#error))
  }

  send(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket
    if (this.#ending || !socket.writable) return false
    if (chunks.length === 1) socket.write(chunks[0]!)
    else {
      socket.cork()
      for (const chunk of chunks) socket.write(chunk)
      socket.uncork()
    }
    return socket.writableLength <= healthyQueueBytes || !socket.writableNeedDrain
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    if (this.#ending || this.#closed) return
    this.#ending = true
    this.#socket.end()
    // Read on, so that the peer's end is seen and what we sent is not lost to a reset.
    this.#socket.resume()
    const timer = setTimeout(() => this.#socket.destroy(), lingerMs).unref()
    this.#socket.once('close', () => clearTimeout(timer))
  }

  destroy(): void {
    this.#ending = true
    this.#socket.destroy()
  }
}
