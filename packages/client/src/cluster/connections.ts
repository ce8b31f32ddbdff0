/**
 * The open connections of a client, one per node and purpose. A purpose keeps long polls and group calls out of the way of each
 * other: a Heartbeat must not wait behind a Fetch. Opening is shared by all who ask meanwhile; a broker whose address changes
 * gets new connections, and the old ones end when they are found unfit.
 */
import type { Address } from '@odradek/world'
import { BrokerConnection, type ConnectionSettings } from './connection.ts'

interface Slot {
  readonly address: Address
  readonly opening: Promise<BrokerConnection>
  connection: BrokerConnection | undefined
}

export class Connections {
  readonly #settings: ConnectionSettings
  readonly #slots = new Map<string, Slot>()
  readonly #closing = new AbortController()

  constructor(settings: ConnectionSettings) {
    this.#settings = settings
  }

  /** The open connection, when there is one; nothing is waited for. */
  ready(node: string, purpose: string): BrokerConnection | undefined {
    const connection = this.#slots.get(`${node} ${purpose}`)?.connection
    return connection?.isOpen ? connection : undefined
  }

  /** The connection to `node` at `address`, opened when there is none. */
  to(node: string, purpose: string, address: Address): Promise<BrokerConnection> {
    const key = `${node} ${purpose}`
    const known = this.#slots.get(key)
    if (known && sameAddress(known.address, address) && known.connection?.isOpen !== false) return known.opening
    if (known) this.#drop(key, known)
    const opening = BrokerConnection.open(address, this.#settings, this.#closing.signal)
    const slot: Slot = { address, opening, connection: undefined }
    this.#slots.set(key, slot)
    opening.then(
      connection => {
        slot.connection = connection
        connection.onClosed(() => this.#forget(key, slot))
      },
      () => this.#forget(key, slot),
    )
    return opening
  }

  /** Ends the connections that no longer lead where `addressOf` says their node is. */
  prune(addressOf: (node: string) => Address | undefined): void {
    for (const [key, slot] of this.#slots) {
      const address = addressOf(key.slice(0, key.indexOf(' ')))
      if (address && !sameAddress(address, slot.address)) this.#drop(key, slot)
    }
  }

  /** Ends what `purpose` opened, on every node. */
  closePurpose(purpose: string): void {
    for (const [key, slot] of this.#slots) if (key.endsWith(` ${purpose}`)) this.#drop(key, slot)
  }

  close(reason: Error): void {
    this.#closing.abort(reason)
    for (const [key, slot] of this.#slots) this.#drop(key, slot, reason)
  }

  #drop(key: string, slot: Slot, reason?: Error): void {
    this.#forget(key, slot)
    slot.opening.then(
      connection => connection.close(reason),
      () => {},
    )
  }

  #forget(key: string, slot: Slot): void {
    if (this.#slots.get(key) === slot) this.#slots.delete(key)
  }
}

function sameAddress(a: Address, b: Address): boolean {
  return a.port === b.port && a.host === b.host
}
