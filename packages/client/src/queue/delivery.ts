/**
 * One record that a member holds, from its acquisition to the broker's answer to its acknowledgement.
 *
 *   waiting ──► out (with the application) ──► settling ──► settled
 *      └──────────── dropped: its lock or session is gone ────┘
 */
import { ErrorCodes, type LazyRecord, ProtocolError, UsageError } from '@odradek/protocol'
import type { AckType } from './acknowledgement.ts'
import type { Lock } from './lock.ts'
import type { Place } from './place.ts'

/** Whoever sends acknowledgements to the node that gave the record. */
export interface Settler {
  handedOut(delivery: Delivery): void
  settle(delivery: Delivery, type: AckType): void
  renew(deliveries: readonly Delivery[]): void
  /** The broker answers a renewal of this lock with another. */
  readonly mayRenew: boolean
}

export class Delivery {
  readonly place: Place
  readonly raw: LazyRecord
  readonly offset: number
  readonly deliveryCount: number
  readonly settler: Settler
  lock!: Lock
  state: 'waiting' | 'out' | 'settling' | 'settled' = 'waiting'
  /** Of those that arrived together. */
  isLast = false
  /** While the application has it, its lock is renewed until this moment of the monotonic clock. */
  keepUntil = 0
  #told: PromiseWithResolvers<void> | undefined
  /** Why it is not the application's any more, when that was not its own doing. */
  #lost: Error | undefined
  #renewal: PromiseWithResolvers<void> | undefined

  constructor(place: Place, record: { raw: LazyRecord; offset: number; deliveryCount: number }, settler: Settler) {
    this.place = place
    this.raw = record.raw
    this.offset = record.offset
    this.deliveryCount = record.deliveryCount
    this.settler = settler
  }

  /** The promise settles with the broker's answer. What fails need not be looked at: the record is delivered again. */
  settle(type: AckType): Promise<void> {
    if (this.state !== 'out') return Promise.reject(this.#lost ?? this.#twice())
    const told = (this.#told = Promise.withResolvers<void>())
    told.promise.catch(() => {})
    this.settleUnheard(type)
    return told.promise
  }

  /** The same without a promise. */
  settleUnheard(type: AckType): void {
    if (this.lock.isOver) this.failed(this.lockLost())
    else {
      this.state = 'settling'
      this.settler.settle(this, type)
    }
  }

  renew(): Promise<void> {
    if (this.state !== 'out') return Promise.reject(this.#lost ?? this.#twice())
    if (this.lock.isOver) return Promise.reject(this.lockLost())
    if (!this.settler.mayRenew)
      return Promise.reject(
        new UsageError(
          'the broker does not renew acquisition locks (ShareAcknowledge 2): make the work shorter, or the lock longer',
        ),
      )
    this.#renewal ??= Promise.withResolvers<void>()
    this.#renewal.promise.catch(() => {})
    this.settler.renew([this])
    return this.#renewal.promise
  }

  renewed(error?: Error): void {
    if (error) this.#renewal?.reject(error)
    else this.#renewal?.resolve()
    this.#renewal = undefined
  }

  done(): void {
    this.state = 'settled'
    this.#told?.resolve()
    this.#renewal?.resolve()
  }

  failed(error: Error): void {
    if (this.state !== 'settling') this.#lost = error
    this.state = 'settled'
    this.#told?.reject(error)
    this.#renewal?.reject(error)
  }

  lockLost(): ProtocolError {
    const { topic, partition } = this.place
    const advice =
      'Its acquisition lock has passed (share.record.lock.duration.ms of the group) or ended with the queue: it is delivered again, perhaps to another. Renew the lock of long work.'
    return new ProtocolError(ErrorCodes.INVALID_RECORD_STATE, { topic, partition, advice })
  }

  #twice(): UsageError {
    return new UsageError(
      `the record at ${this.place.topic}-${this.place.partition}, offset ${this.offset} has been acknowledged already, or the queue is closed`,
    )
  }
}
