/**
 * Where records become batches. Takes records in bytes, bounds how many bytes wait, finds their partition, adds them to its open
 * batch, and tells the sender when a batch has begun or is full.
 *
 *     accept ──full──▶ waits for memory ──▶ topic unknown? waits for metadata ──▶ open batch of its partition ──▶ Sender
 *
 * Both waits are first come, first served, so records of one partition keep the order in which they were accepted.
 */
import { recordSizeBound, UsageError } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { BuilderPool, ProducerBatch } from './batch.ts'
import { ByteBudget } from './byte-budget.ts'
import { partitionGone } from './delivery-failures.ts'
import { Generation, type OnLoss } from './generation.ts'
import { IdentitySource } from './identity.ts'
import type { ResolvedProducerOptions } from './options.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { PendingRecord } from './pending-record.ts'
import { Sender } from './sender.ts'
import { TopicWriter } from './topic-writer.ts'
import type { TransactionGate } from './transactions/transaction-gate.ts'

/** Partitions that metadata does not have for as long are gone: what waits for them fails. */
const goneAfterMs = 5_000

export class Accumulator {
  readonly budget: ByteBudget
  readonly #cluster: Cluster
  readonly #options: ResolvedProducerOptions
  readonly #sender: Sender
  readonly #pool: BuilderPool
  readonly #topics = new Map<string, TopicWriter>()
  readonly #stopListening: () => void
  readonly #closing = new AbortController()
  readonly #unsettled: Generation[] = []
  generation: Generation
  readonly #onLoss: OnLoss | undefined
  readonly #isTransactional: boolean
  #refusal: Error | undefined

  /** With a gate all records belong to its transactions; `onLoss` is told when some will not be delivered. */
  constructor(cluster: Cluster, options: ResolvedProducerOptions, gate?: TransactionGate, onLoss?: OnLoss) {
    this.#cluster = cluster
    this.#options = options
    this.#isTransactional = gate !== undefined
    this.#onLoss = onLoss
    this.generation = new Generation(onLoss)
    this.budget = new ByteBudget(options.bufferBytes)
    this.#pool = new BuilderPool(options.bufferBytes / 4)
    const identity = options.isIdempotent ? (gate ?? new IdentitySource(cluster)) : undefined
    this.#sender = new Sender(cluster, options, { identity, gate, reuse: batch => this.#pool.give(batch.builder) })
    this.#stopListening = cluster.onMetadata(() => this.#extend())
  }

  /** Takes a record whose `generation` has counted it. Throws when it can never be sent. */
  accept(record: PendingRecord, topic: string, isGone?: () => boolean): void {
    if (!this.budget.isFull) {
      this.#place(record, this.#writer(topic))
      return
    }
    const admit = () => this.#placeLate(record, this.#writer(topic))
    const leave = () => {
      if (!isGone?.()) return false
      record.generation.settle(1)
      return true
    }
    this.budget.wait(admit, leave)
  }

  /** Ends the current generation and resolves when all records accepted so far are settled. */
  async flush(): Promise<Generation[]> {
    const { generation } = this
    this.#unsettled.push(generation)
    this.generation = new Generation(this.#onLoss)
    generation.end()
    for (const writer of this.#topics.values()) for (const queue of writer.queues) queue.closeOpen()
    this.#sender.sendAll()
    const waitFor = [...this.#unsettled]
    await Promise.all(waitFor.map(({ settled }) => settled))
    for (const over of waitFor) {
      const at = this.#unsettled.indexOf(over)
      if (at >= 0) this.#unsettled.splice(at, 1)
    }
    return waitFor
  }

  /** Fails what has not been sent, and what comes until `readmit`; what is under way is not sent again. */
  abandon(error: Error): void {
    this.#refusal = error
    for (const writer of this.#topics.values()) {
      this.#release(writer, record => this.#fail(record, error))
      for (const queue of writer.allQueues) queue.abandon(error)
    }
  }

  readmit(): void {
    this.#refusal = undefined
    for (const writer of this.#topics.values()) for (const queue of writer.allQueues) queue.readmit()
  }

  /** Partitions may be sent to that could not before. */
  admitted(): void {
    this.#sender.sendAll()
  }

  /** Fails everything that has not been delivered. */
  close(error: Error): void {
    this.#closing.abort(error)
    this.#stopListening()
    this.#sender.close(error)
  }

  /** Why nothing is taken for now. */
  get refusal(): Error | undefined {
    return this.#refusal
  }

  /** The first failure that no sender holds a promise for and no flush has thrown yet. */
  get failure(): Error | undefined {
    for (const { unreported } of this.#unsettled) if (unreported) return unreported.first
    return this.generation.unreported?.first
  }

  /** A batch's records have all been told. */
  settled(batch: ProducerBatch): void {
    this.budget.give(batch.charged)
  }

  #writer(name: string): TopicWriter {
    let writer = this.#topics.get(name)
    if (!writer) {
      const { isIdempotent, acks, maxInFlight, partitioner } = this.#options
      // Without sequence numbers only one batch at a time keeps its place when it has to be sent again.
      const isTransactional = this.#isTransactional
      const rules = { isIdempotent, isTransactional, maxInFlight: isIdempotent || acks === 0 ? maxInFlight : 1 }
      writer = new TopicWriter(name, rules, this.#cluster.random, partitioner)
      this.#topics.set(name, writer)
    }
    return writer
  }

  #place(record: PendingRecord, writer: TopicWriter): void {
    if (this.#refusal) throw this.#refusal
    if (writer.isKnown) {
      this.#append(record, writer.queueFor(record.key, record.value, record.partition))
      return
    }
    this.budget.take(recordSizeBound(record))
    writer.waiting.push(record)
    if (!writer.isLookedUp) this.#lookUp(writer)
  }

  /** Like `#place`, when nobody is there to catch what it throws. */
  #placeLate(record: PendingRecord, writer: TopicWriter): void {
    try {
      this.#place(record, writer)
    } catch (error) {
      this.#fail(record, error as Error)
    }
  }

  /** A record that could never be sent is its sender's alone to hear of; one that is lost is its transaction's, too. */
  #fail(record: PendingRecord, error: Error): void {
    const isWrong = error instanceof UsageError && error !== this.#refusal
    const { receipt, generation } = record
    if (!receipt) generation.failedUnseen(error)
    else if (isWrong) receipt.wrong(error)
    else receipt.failed(error)
    if (!isWrong) generation.lost(error, false)
    generation.settle(1)
  }

  #lookUp(writer: TopicWriter): void {
    writer.isLookedUp = true
    const { autoCreateTopics: autoCreate, metadataTimeoutMs: timeoutMs } = this.#options
    this.#cluster.metadata([writer.name], { autoCreate, timeoutMs, signal: this.#closing.signal }).then(
      () => {
        this.#extend()
        this.#release(writer, record => this.#placeLate(record, writer))
      },
      (error: Error) => this.#release(writer, record => this.#fail(record, error)),
    )
  }

  #release(writer: TopicWriter, next: (record: PendingRecord) => void): void {
    writer.isLookedUp = false
    for (const record of writer.waiting.splice(0)) {
      next(record)
      this.budget.give(recordSizeBound(record))
    }
  }

  #extend(): void {
    for (const writer of this.#topics.values()) {
      const count = this.#cluster.topic(writer.name)?.partitions.length ?? 0
      if (count < writer.queues.length) {
        this.#lack(writer, count)
        continue
      }
      writer.lackingSince = undefined
      if (count === writer.queues.length) continue
      for (const queue of writer.extendTo(count)) this.#sender.adopt(queue)
      // Whoever asked for the metadata: those that wait go before those that come now.
      this.#release(writer, record => this.#placeLate(record, writer))
    }
  }

  /** A broker that is behind may not know of partitions yet, and a topic may be about to be made again: that is waited for a while. */
  #lack(writer: TopicWriter, count: number): void {
    const now = this.#cluster.clock.monotonic()
    writer.lackingSince ??= now
    if (now - writer.lackingSince < goneAfterMs) return
    writer.lackingSince = undefined
    for (const queue of writer.shrinkTo(count)) {
      queue.expire(Number.POSITIVE_INFINITY, () => partitionGone(queue, count))
    }
  }

  #append(record: PendingRecord, queue: PartitionQueue): void {
    const bound = recordSizeBound(record)
    const { maxRequestBytes, batchBytes } = this.#options
    if (bound > maxRequestBytes) {
      throw new UsageError(
        `a record of about ${bound} bytes for '${queue.topic}' is above maxRequestBytes, ${maxRequestBytes}`,
      )
    }
    const limit = Math.min(batchBytes, queue.batchBytesLimit)
    const { open } = queue
    if (open && (open.generation !== record.generation || open.bytes + bound > limit)) {
      queue.closeOpen()
      this.#sender.filled(queue)
    }
    const batch = queue.open ?? this.#newBatch(record.generation, queue)
    const before = batch.bytes
    batch.append(record, record.timestamp, record.receipt)
    const bytes = batch.bytes - before
    batch.charged += bytes
    this.budget.take(bytes)
    if (queue.open !== batch) {
      queue.open = batch
      this.#sender.opened(queue)
    }
    if (batch.bytes >= limit) {
      queue.closeOpen()
      this.#sender.filled(queue)
    }
  }

  #newBatch(generation: Generation, queue: PartitionQueue): ProducerBatch {
    const deadline = this.#cluster.clock.monotonic() + this.#options.deliveryTimeoutMs
    return new ProducerBatch(this, this.#pool.take(), generation, queue.nextOrder, deadline)
  }
}
