import type { ClientConnection } from './connection.ts'
import type { BrokerServices, NodeAddress, RequestContext } from './handler.ts'

/** What one request sees of its connection. */
export class RequestScope implements RequestContext {
  readonly apiVersion: number
  readonly clientId: string | null
  readonly connection: ClientConnection

  constructor(connection: ClientConnection, apiVersion: number, clientId: string | null) {
    this.connection = connection
    this.apiVersion = apiVersion
    this.clientId = clientId
  }

  get clientHost(): string {
    return this.connection.clientHost
  }

  get nodeId(): number {
    return this.connection.host.nodeId
  }

  get signal(): AbortSignal {
    return this.connection.signal
  }

  get broker(): BrokerServices {
    return this.connection.host.broker
  }

  close(reason: string): void {
    this.connection.refuse(reason)
  }

  takeAllowance(wantedBytes: number): number {
    return this.connection.takeAllowance(wantedBytes)
  }

  giveBackAllowance(): void {
    this.connection.giveBackAllowance()
  }

  nodes(): readonly NodeAddress[] {
    return this.connection.nodes()
  }
}
