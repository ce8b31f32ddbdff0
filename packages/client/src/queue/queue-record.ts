/** A record of a queue: it is this member's alone until it is acknowledged, or its lock passes. */
import { ConsumerRecord } from '../consumer/consumer-record.ts'
import type { Topic, TopicRef } from '../topic.ts'
import { AckType } from './acknowledgement.ts'
import type { Delivery } from './delivery.ts'

export class QueueRecord<K = unknown, V = unknown, N extends string = string> extends ConsumerRecord<K, V, N> {
  readonly #delivery: Delivery

  constructor(delivery: Delivery) {
    super(delivery.raw, delivery.place)
    this.#delivery = delivery
  }

  /** 1 for the first delivery. After `share.delivery.count.limit` of them the broker gives the record up. */
  get deliveryCount(): number {
    return this.#delivery.deliveryCount
  }

  /** The work is done. Resolves when the broker has noted it; rejects with INVALID_RECORD_STATE when the lock had passed. */
  ack(): Promise<void> {
    return this.#delivery.settle(AckType.accept)
  }

  /** Not now, or not here: the record is delivered again. */
  release(): Promise<void> {
    return this.#delivery.settle(AckType.release)
  }

  /** Nobody can do this: the record is not delivered again. */
  reject(): Promise<void> {
    return this.#delivery.settle(AckType.reject)
  }

  /** The work takes longer: the lock begins anew. */
  renew(): Promise<void> {
    return this.#delivery.renew()
  }
}

/** The record type of a queue's topic contract; of a bare name: bytes. Over several topics: a union that `topic` tells apart. */
export type QueueRecordOf<T extends TopicRef> =
  T extends Topic<infer K, infer V, infer N>
    ? QueueRecord<K, V, N>
    : T extends string
      ? QueueRecord<Uint8Array, Uint8Array, T>
      : never
