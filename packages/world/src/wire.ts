/** Streams of bytes between addresses: TCP and TLS in the real world, queues with faults in the simulated one. */
export interface Wire {
  /** Starts accepting. Port 0 picks a free one. Rejects with Node's error ('EADDRINUSE', 'EACCES', …). */
  listen(at: Address, accept: (connection: Connection) => void): Promise<Listener>
  /** Rejects with Node's error ('ECONNREFUSED', 'ENOTFOUND', …) or the signal's reason. */
  connect(to: Address, options?: ConnectOptions): Promise<Connection>
}

export interface Address {
  host: string
  port: number
}

export interface ConnectOptions {
  signal?: AbortSignal
  /** Present: speak TLS. `servername` defaults to the host; `ca` is PEM. */
  tls?: { servername?: string; ca?: string; cert?: string; key?: string; rejectUnauthorized?: boolean }
}

export interface Listener {
  /** With the port that was picked. */
  readonly address: Address
  /** Stops accepting; connections that are open stay open. */
  close(): Promise<void>
}

export interface Connection {
  readonly local: Address
  readonly remote: Address
  /** Set once, right after `listen` or `connect` handed the connection over. */
  handle(events: ConnectionEvents): void
  /** Sends the chunks in order; they must not change afterwards. False: more is queued than is healthy, wait for `drained`. */
  send(chunks: readonly Uint8Array[]): boolean
  /** Bytes accepted by `send` that the system has not taken yet. */
  readonly queuedBytes: number
  /** Stops and resumes `received`. */
  pause(): void
  resume(): void
  /** Sends what is queued, then closes. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

export interface ConnectionEvents {
  /** The bytes are the receiver's to keep. */
  received(bytes: Uint8Array): void
  drained?(): void
  /** Exactly once, when the connection is over, for whatever reason. */
  closed(error?: Error): void
}
