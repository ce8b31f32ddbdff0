/** The producer id that makes retries harmless: asked for once, asked for again when it is of no more use. */
import { ErrorCodes, InitProducerId, ProtocolError } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import type { ProducerIdentity } from './batch.ts'

export interface ProducerIds {
  readonly current: ProducerIdentity | undefined
  /** Resolves when there is a current identity other than `spentId`. */
  obtain(spentId?: bigint): Promise<void>
}

export class IdentitySource implements ProducerIds {
  readonly #cluster: Cluster
  #current: ProducerIdentity | undefined
  #asking: Promise<void> | undefined

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  get current(): ProducerIdentity | undefined {
    return this.#current
  }

  /** Resolves when there is a current identity other than `spentId`. Calls made meanwhile share one request. */
  obtain(spentId?: bigint): Promise<void> {
    if (this.#current && this.#current.producerId !== spentId) return Promise.resolve()
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #ask(): Promise<void> {
    this.#current = await this.#cluster.retrying({}, async () => {
      const request = { transactionalId: null, transactionTimeoutMs: 60_000 }
      const { errorCode, producerId, producerEpoch } = await this.#cluster.call('any', InitProducerId, request)
      if (errorCode !== ErrorCodes.NONE) {
        const advice = 'Without a producer id only `idempotent: false` is possible.'
        throw new ProtocolError(errorCode, { api: InitProducerId.name, advice })
      }
      return { producerId, epoch: producerEpoch }
    })
  }
}
