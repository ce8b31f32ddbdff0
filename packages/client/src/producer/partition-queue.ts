/**
 * The batches of one partition on their way to its leader: what may be sent next, and what an answer means for the rest. Decides
 * only; `Sender` sends. Time is told, nothing waits.
 *
 *     append ─▶ open ─▶ ready ───────▶ in flight ──ok──▶ delivered
 *                         ▲ take()        │
 *                         └── again ◀─────┘ failed, once nothing is in flight any more ("draining")
 *
 * Order is kept under failure because a partition that has seen a failure sends nothing until all its requests have been
 * answered, and then resends in the order of creation. An idempotent producer's batches keep their sequence numbers meanwhile, so
 * one whose answer was lost is recognised by the broker.
 *
 * Sequences are restored (KIP-360) by starting the partition anew with the next epoch, but only when nothing that follows the gap
 * can have been appended: the broker has refused the first batch in line as out of order, or has said for certain that a batch
 * was not appended. Broker-side checks are per partition, so epochs are counted per partition too.
 *
 * In a transaction nothing is restored: what fails is told, and the transaction with it. Then `abandon` fails all that is not in
 * flight, and what is in flight is not sent again; `readmit` begins the next transaction, with the identity that it is given.
 */
import { BatchBuilder, decodeRecords } from '@odradek/protocol'
import { ProducerBatch, type ProducerIdentity } from './batch.ts'

export type Outcome =
  | { readonly kind: 'delivered'; readonly baseOffset: number; readonly appendTime: number }
  /** May pass; `error` is told if it does not. */
  | { readonly kind: 'retry'; readonly error: Error; readonly pauseMs: number }
  /** The broker does not have the batches before this one, or knows nothing of the producer. */
  | { readonly kind: 'out-of-order'; readonly error: Error }
  /** The producer id is of no more use. */
  | { readonly kind: 'fenced'; readonly error: Error }
  | { readonly kind: 'too-large'; readonly error: Error }
  /** Not appended, and never will be. */
  | { readonly kind: 'refused'; readonly error: Error; readonly errorOf?: (index: number) => Error }

export interface QueueRules {
  readonly isIdempotent: boolean
  /** Batches belong to transactions: one that fails for good fails the transaction, and each may have an identity of its own. */
  readonly isTransactional?: boolean
  readonly maxInFlight: number
  /** Default 32,767, the end of int16. */
  readonly maxEpoch?: number
  /** Default 0: what the first batch of the first identity is numbered. */
  readonly firstSequence?: number
}

const sequenceEnd = 2 ** 31
/** So many batches of a producer a broker remembers per partition. */
const brokerMemory = 5

export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  /** Node that leads the partition as far as is known; -1: none. */
  leader = -1
  /** The batch that records are added to. */
  open: ProducerBatch | undefined
  /** Learned from refusals: batches above this do not pass. */
  batchBytesLimit = Number.POSITIVE_INFINITY
  readonly #rules: QueueRules
  #ready: ProducerBatch[] = []
  #inFlight: ProducerBatch[] = []
  #failed: ProducerBatch[] = []
  #sentTo = -1
  #isDraining = false
  #startsAnew = false
  #notBefore = 0
  #abandoned: Error | undefined
  #identity: ProducerIdentity | undefined
  #spentId: bigint | undefined
  #nextSequence = 0
  /** The leader has appended a batch of the identity, so it can tell a gap. Before, it would take any sequence number. */
  #isIntroduced = false
  #order = 0
  /** Numbered batches from the oldest whose fate is not known on, those delivered out of turn among them. */
  #reach: ProducerBatch[] = []

  constructor(topic: string, partition: number, rules: QueueRules) {
    this.topic = topic
    this.partition = partition
    this.#rules = rules
    this.#nextSequence = rules.firstSequence ?? 0
  }

  get inFlight(): number {
    return this.#inFlight.length
  }

  get isEmpty(): boolean {
    return !this.open && this.#ready.length === 0 && this.#inFlight.length === 0 && this.#failed.length === 0
  }

  /** Batches wait that are complete, or have been sent before. */
  get hasReady(): boolean {
    return this.#ready.length > 0
  }

  /** Order of the batch that is opened next: how many records came before it. */
  get nextOrder(): number {
    return this.#order
  }

  /** Monotonic time before which nothing is sent. */
  get notBefore(): number {
    return this.#notBefore
  }

  /** A producer id that has been fenced or has run out of epochs: this partition needs another. */
  get spentId(): bigint | undefined {
    return this.#spentId
  }

  *batches(): Iterable<ProducerBatch> {
    yield* this.#inFlight
    yield* this.#failed
    yield* this.#ready
    if (this.open) yield this.open
  }

  /** No more records are added to the open batch. */
  closeOpen(): void {
    if (!this.open) return
    if (!this.open.isSettled) this.#ready.push(this.open)
    this.#order += this.open.recordCount
    this.open = undefined
  }

  /** Whether `take` would return something. */
  canTake(now: number, identity: ProducerIdentity | undefined): boolean {
    if (this.#isDraining || now < this.#notBefore || this.#inFlight.length >= this.#rules.maxInFlight) return false
    if (this.#inFlight.length > 0 && this.#sentTo !== this.leader) return false
    if (this.#rules.isIdempotent) {
      if (this.#isOtherTransaction(identity) && this.#inFlight.length > 0) return false
      if (!this.#identity && !this.#isFresh(identity)) return false
      if (!this.#isIntroduced && this.#inFlight.length > 0) return false
      if (!this.#isWithinReach(this.#ready[0])) return false
    }
    return this.#ready.length > 0 || this.open !== undefined
  }

  /** The next batch to send to the leader; it counts as in flight from now on. */
  take(now: number, identity: ProducerIdentity | undefined): ProducerBatch | undefined {
    if (!this.canTake(now, identity)) return undefined
    if (this.#ready.length === 0) this.closeOpen()
    const batch = this.#ready.shift()!
    if (this.#rules.isIdempotent) this.#number(batch, identity)
    batch.attempts++
    this.#sentTo = this.leader
    this.#inFlight.push(batch)
    return batch
  }

  /** Tells what became of a batch in flight. */
  settle(batch: ProducerBatch, outcome: Outcome, now: number): void {
    this.#inFlight = this.#inFlight.filter(other => other !== batch)
    if (this.#endsTransaction(batch, outcome)) batch.failed(this.#abandoned ?? outcome.error, errorOfEach(outcome))
    else this.#settle(batch, outcome, now)
    this.#forgetSettled()
    if (this.#isDraining && this.#inFlight.length === 0) this.#goOn()
  }

  #settle(batch: ProducerBatch, outcome: Outcome, now: number): void {
    switch (outcome.kind) {
      case 'delivered':
        this.#isIntroduced ||= batch.identity !== undefined && batch.identity === this.#identity
        batch.delivered(this.topic, this.partition, outcome.baseOffset, outcome.appendTime)
        break
      case 'refused':
        this.#refuse(batch, outcome.error, outcome.errorOf)
        break
      case 'retry':
        this.#notBefore = Math.max(this.#notBefore, now + outcome.pauseMs)
        this.#keep(batch, outcome.error)
        break
      case 'out-of-order':
        if (!this.#isDraining) this.#startsAnew = true
        this.#keep(batch, outcome.error)
        break
      case 'fenced':
        this.#startsAnew = true
        if (this.#identity?.producerId === batch.identity?.producerId) this.#spend()
        this.#keep(batch, outcome.error)
        break
      case 'too-large':
        this.#split(batch, outcome.error)
    }
  }

  /** Fails what is not in flight; what is, is told when it is answered and not sent again. */
  abandon(error: Error): void {
    this.#abandoned = error
    const inFlight = new Set(this.#inFlight)
    for (const batch of this.batches()) if (!inFlight.has(batch)) batch.failed(error)
    this.#ready = []
    this.#failed = []
    this.closeOpen()
    this.#forgetSettled()
  }

  /** What comes now is another transaction's. */
  readmit(): void {
    this.#abandoned = undefined
    this.#notBefore = 0
  }

  /** Fails, and forgets, batches that are overdue. Those in flight are told when their answers come. */
  expire(now: number, errorOf: (batch: ProducerBatch) => Error): ProducerBatch[] {
    const overdue = [...this.batches()].filter(batch => batch.deadline <= now && !batch.isSettled)
    for (const batch of overdue) batch.failed(errorOf(batch))
    this.#ready = this.#ready.filter(batch => !batch.isSettled)
    this.#failed = this.#failed.filter(batch => !batch.isSettled)
    if (this.open?.isSettled) this.closeOpen()
    this.#forgetSettled()
    return overdue
  }

  /**
   * Whether the broker would still recognise the oldest batch of unknown fate as a repetition after this one (the next to be opened
   * when undefined) has been appended.
   */
  #isWithinReach(batch: ProducerBatch | undefined): boolean {
    const at = batch && batch.sequence >= 0 ? this.#reach.indexOf(batch) : this.#reach.length
    return at < brokerMemory
  }

  #number(batch: ProducerBatch, current: ProducerIdentity | undefined): void {
    if (batch.sequence >= 0) return
    if (this.#isOtherTransaction(current)) this.#begin(current)
    const isOther = this.#isFresh(current) && current.producerId !== this.#identity?.producerId
    if (isOther && this.#inFlight.length === 0 && this.#ready.every(({ sequence }) => sequence < 0)) {
      if (this.#identity ?? this.#spentId) this.#nextSequence = 0
      this.#identity = current
      this.#isIntroduced = false
    }
    batch.numbered(this.#identity!, this.#nextSequence)
    this.#reach.push(batch)
    this.#nextSequence = (this.#nextSequence + batch.recordCount) % sequenceEnd
  }

  #isOtherTransaction(identity: ProducerIdentity | undefined): identity is ProducerIdentity {
    const ours = this.#identity
    if (!this.#rules.isTransactional || identity === undefined) return false
    return identity.producerId !== ours?.producerId || identity.epoch !== ours.epoch
  }

  /** Under another epoch sequence numbers begin at 0. A leader that knows the producer can tell a gap at once. */
  #begin(identity: ProducerIdentity): void {
    if (identity.producerId !== this.#identity?.producerId) this.#isIntroduced = false
    this.#identity = identity
    this.#nextSequence = 0
    this.#reach = []
  }

  #endsTransaction(batch: ProducerBatch, outcome: Outcome): outcome is Exclude<Outcome, { kind: 'delivered' }> {
    if (!this.#rules.isTransactional || outcome.kind === 'delivered') return false
    if (this.#abandoned) return true
    return outcome.kind !== 'retry' && (outcome.kind !== 'too-large' || batch.recordCount === 1)
  }

  #isFresh(identity: ProducerIdentity | undefined): identity is ProducerIdentity {
    return identity !== undefined && identity.producerId !== this.#spentId
  }

  #spend(): void {
    this.#spentId = this.#identity?.producerId
    this.#identity = undefined
  }

  #forgetSettled(): void {
    while (this.#reach[0]?.isSettled) this.#reach.shift()
  }

  #keep(batch: ProducerBatch, error: Error): void {
    this.#isDraining = true
    batch.lastError = error
    if (!batch.isSettled) this.#failed.push(batch)
  }

  #refuse(batch: ProducerBatch, error: Error, errorOf?: (index: number) => Error): void {
    batch.failed(error, errorOf)
    if (!this.#rules.isIdempotent) return
    this.#isDraining = true
    this.#startsAnew = true
  }

  /** Two halves, or as many parts as it takes, with the sequence numbers the whole had. */
  #split(batch: ProducerBatch, error: Error): void {
    if (batch.recordCount === 1) {
      this.#refuse(batch, error)
      return
    }
    this.batchBytesLimit = Math.min(this.batchBytesLimit, Math.ceil(batch.bytes / 2))
    this.#isDraining = true
    if (batch.isSettled) return
    const parts = splitBatch(batch, this.batchBytesLimit)
    batch.replaced()
    if (batch.sequence >= 0) this.#reach.splice(this.#reach.indexOf(batch), 1, ...parts)
    this.#failed.push(...parts)
  }

  #goOn(): void {
    this.#isDraining = false
    this.#ready = [...this.#failed, ...this.#ready].sort((a, b) => a.order - b.order)
    this.#failed = []
    if (!this.#startsAnew) return
    this.#startsAnew = false
    for (const batch of this.#ready) batch.unnumbered()
    this.#reach = []
    this.#isIntroduced = false
    this.#nextSequence = 0
    if (!this.#identity) return
    const { producerId, epoch } = this.#identity
    if (epoch >= (this.#rules.maxEpoch ?? 32_767)) this.#spend()
    else this.#identity = { producerId, epoch: epoch + 1 }
  }
}

function errorOfEach(outcome: Outcome): ((index: number) => Error) | undefined {
  return outcome.kind === 'refused' ? outcome.errorOf : undefined
}

function splitBatch(batch: ProducerBatch, maxBytes: number): ProducerBatch[] {
  const parts: ProducerBatch[] = []
  let part: ProducerBatch | undefined
  let index = 0
  for (const { key, value, headers, timestamp } of decodeRecords(batch.builder.build(), 0)) {
    const size = (key?.length ?? 0) + (value?.length ?? 0) + 32
    if (!part || part.bytes + size > maxBytes) {
      part = new ProducerBatch(batch.owner, new BatchBuilder(), batch.generation, batch.order + index, batch.deadline)
      if (batch.identity) part.numbered(batch.identity, (batch.sequence + index) % sequenceEnd)
      parts.push(part)
    }
    part.append({ key, value, headers }, timestamp, batch.receipts[index++])
    part.charged += batch.charged / batch.recordCount
  }
  return parts
}
