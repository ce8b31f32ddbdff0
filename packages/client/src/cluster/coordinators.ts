/** Which node coordinates a group or a transactional id. Remembered until somebody is told NOT_COORDINATOR and forgets it here. */
import { ErrorCodes, FindCoordinator, ProtocolError } from '@odradek/protocol'
import type { Address } from '@odradek/world'
import { abandonable } from './abandon.ts'
import type { Cluster } from './cluster.ts'

export type CoordinatorKind = 'group' | 'transaction'

const keyTypes = { group: 0, transaction: 1 } as const

export interface Coordinator extends Address {
  readonly nodeId: number
}

export class Coordinators {
  readonly #cluster: Cluster
  readonly #known = new Map<string, Promise<Coordinator>>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  find(kind: CoordinatorKind, key: string, signal?: AbortSignal): Promise<Coordinator> {
    const name = `${kind} ${key}`
    let found = this.#known.get(name)
    if (!found) {
      found = this.#cluster.retrying({}, () => this.#ask(kind, key))
      this.#known.set(name, found)
      found.catch(() => this.#known.delete(name))
    }
    return abandonable(found, signal)
  }

  forget(kind: CoordinatorKind, key: string): void {
    this.#known.delete(`${kind} ${key}`)
  }

  async #ask(kind: CoordinatorKind, key: string): Promise<Coordinator> {
    const keyType = keyTypes[kind]
    const response = await this.#cluster.call('any', FindCoordinator, { key, keyType, coordinatorKeys: [key] })
    const { errorCode, errorMessage, nodeId, host, port } = response.coordinators[0] ?? response
    if (errorCode !== ErrorCodes.NONE) {
      const advice = `The coordinator of ${kind} '${key}' cannot be found for now.`
      throw new ProtocolError(errorCode, { api: FindCoordinator.name, message: errorMessage, advice })
    }
    return { nodeId, host, port }
  }
}
