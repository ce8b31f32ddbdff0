/**
 * Records of one partition that travel together, and those who wait for them.
 *
 * Its bytes live in the builder and are referenced, not copied, by a request under way; the builder may be used again only when
 * the batch is settled and no request can still hold them.
 */
import { BatchBuilder, type Codec, type RecordInput } from '@odradek/protocol'
import type { Generation } from './generation.ts'
import type { Receipt } from './receipt.ts'

export interface ProducerIdentity {
  readonly producerId: bigint
  readonly epoch: number
  /** What is numbered with it belongs to a transaction. */
  readonly isTransactional?: boolean
}

export interface BatchOwner {
  /** The batch's records have all been told; once per batch. */
  settled(batch: ProducerBatch): void
}

export class ProducerBatch {
  readonly owner: BatchOwner
  readonly builder: BatchBuilder
  readonly generation: Generation
  /** How many records of the partition came before its first. */
  readonly order: number
  /** Monotonic time at which its records fail if they have not been delivered. */
  readonly deadline: number
  readonly receipts: (Receipt | undefined)[] = []
  /** Set when first sent; -1 means none. */
  sequence = -1
  identity: ProducerIdentity | undefined
  attempts = 0
  /** Bytes of the memory budget that it holds. */
  charged = 0
  lastError: Error | undefined
  #isSettled = false
  #encoded: Uint8Array | undefined

  constructor(owner: BatchOwner, builder: BatchBuilder, generation: Generation, order: number, deadline: number) {
    this.owner = owner
    this.builder = builder
    this.generation = generation
    this.order = order
    this.deadline = deadline
  }

  get recordCount(): number {
    return this.receipts.length
  }

  get bytes(): number {
    return this.builder.sizeInBytes
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  append(record: RecordInput, timestamp: number, receipt: Receipt | undefined): void {
    this.builder.append(record, timestamp)
    this.receipts.push(receipt)
  }

  numbered(identity: ProducerIdentity, sequence: number): void {
    this.identity = identity
    this.sequence = sequence
    this.#encoded = undefined
  }

  unnumbered(): void {
    this.identity = undefined
    this.sequence = -1
    this.#encoded = undefined
  }

  encode(compression: Codec): Uint8Array {
    const identity = this.identity
    this.#encoded ??= this.builder.build({
      compression,
      ...(identity && {
        producerId: identity.producerId,
        producerEpoch: identity.epoch,
        baseSequence: this.sequence,
        transactional: identity.isTransactional,
      }),
    })
    return this.#encoded
  }

  delivered(topic: string, partition: number, baseOffset: number, appendTime: number): void {
    if (!this.#settle()) return
    const { receipts } = this
    for (let i = 0; i < receipts.length; i++) {
      receipts[i]?.delivered(topic, partition, baseOffset < 0 ? -1 : baseOffset + i, appendTime)
    }
    this.generation.settle(receipts.length)
    this.owner.settled(this)
  }

  failed(error: Error, errorOf?: (index: number) => Error): void {
    if (!this.#settle()) return
    this.receipts.forEach((receipt, index) => {
      const own = errorOf?.(index) ?? error
      if (receipt) receipt.failed(own)
      else this.generation.failedUnseen(own)
    })
    this.generation.lost(error, this.sequence >= 0)
    this.generation.settle(this.receipts.length)
    this.owner.settled(this)
  }

  /** Its records go on in other batches. */
  replaced(): void {
    this.#settle()
  }

  #settle(): boolean {
    if (this.#isSettled) return false
    this.#isSettled = true
    return true
  }
}

/** Builders that are done with, kept for the next batch; bounded, so that a burst does not stay in memory for ever. */
export class BuilderPool {
  readonly #free: BatchBuilder[] = []
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  take(): BatchBuilder {
    const builder = this.#free.pop()
    if (!builder) return new BatchBuilder(4096)
    this.#bytes -= builder.capacity
    return builder
  }

  give(builder: BatchBuilder): void {
    if (this.#bytes + builder.capacity > this.#maxBytes) return
    builder.reset()
    this.#bytes += builder.capacity
    this.#free.push(builder)
  }
}
