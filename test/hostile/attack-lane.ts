import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { FrameSplitter } from '@odradek/protocol'

/** How long an answer, or the end of a connection, may take before it counts as never. */
const neverMs = 20_000

/**
 * Sends one hostile request after the other, on one connection as long as it lives. Ends its connections with a reset, so that
 * thousands of them leave no ports behind.
 */
export class AttackLane {
  readonly #to: { host: string; port: number }
  #socket: Socket | undefined
  #splitter = new FrameSplitter(2 ** 31 - 1)
  #settle: ((answer: Uint8Array | undefined) => void) | undefined

  constructor(to: { host: string; port: number }) {
    this.#to = to
  }

  /** The answer's frame; undefined when the broker closed the connection instead. */
  async ask(key: number, version: number, isFlexible: boolean, body: Uint8Array): Promise<Uint8Array | undefined> {
    const socket = await this.#connected()
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>()
    const timer = setTimeout(
      () => reject(new Error(`API ${key} v${version} was neither answered nor refused`)),
      neverMs,
    )
    this.#settle = resolve
    socket.write(frameOf(key, version, isFlexible, body))
    try {
      return await promise
    } finally {
      clearTimeout(timer)
    }
  }

  /** Sends and says that no more will come; resolves when the broker has ended the connection too. */
  async sendAndEnd(key: number, version: number, isFlexible: boolean, body: Uint8Array): Promise<void> {
    const socket = await this.#connected()
    socket.end(frameOf(key, version, isFlexible, body))
    await once(socket, 'close', { signal: AbortSignal.timeout(neverMs) })
  }

  reset(): void {
    this.#socket?.destroy()
  }

  async #connected(): Promise<Socket> {
    if (this.#socket !== undefined) return this.#socket
    const socket = connect({ ...this.#to, noDelay: true })
    this.#splitter = new FrameSplitter(2 ** 31 - 1)
    socket.on('data', chunk => {
      for (const frame of this.#splitter.push(chunk)) this.#settle?.(frame)
    })
    socket.on('error', () => {})
    // The broker has sent its end: answer with a reset, and no port waits for stragglers.
    socket.on('end', () => socket.resetAndDestroy())
    socket.on('close', () => {
      this.#socket = undefined
      this.#settle?.(undefined)
    })
    await once(socket, 'connect')
    this.#socket = socket
    return socket
  }
}

/** A whole request: length, header, body. */
export function frameOf(key: number, version: number, isFlexible: boolean, body: Uint8Array): Buffer {
  const header = Buffer.alloc(isFlexible ? 15 : 14)
  header.writeInt32BE(header.length - 4 + body.length)
  header.writeInt16BE(key, 4)
  header.writeInt16BE(version, 6)
  header.writeInt32BE(7, 8)
  header.writeInt16BE(-1, 12)
  return Buffer.concat([header, body])
}
