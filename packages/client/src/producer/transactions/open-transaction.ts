/**
 * One transaction while it is open: which partitions are part of it, the offsets it commits, and whether it can still be committed.
 *
 * Older brokers (before KIP-890) are told of partitions and groups before anything is written; all that are met in one turn are told
 * in one request. Newer ones learn of them with the first write, so nothing has to be asked.
 */
import { type Clock, sleep, type Timer } from '@odradek/world'
import type { GroupMembership } from '../../consumer/engine.ts'
import type { ClaimOutcome, OffsetClaim } from '../../consumer/offset-claim.ts'
import type { ProducerIdentity } from '../batch.ts'
import type { PartitionQueue } from '../partition-queue.ts'
import type { Answered, Refusal, TransactionCoordinator } from './transaction-coordinator.ts'
import {
  membershipLost,
  producerUseless,
  type TransactionError,
  transactionLost,
  transactionTimedOut,
} from './transaction-error.ts'

export interface OpenTransactionOptions {
  readonly clock: Clock
  readonly coordinator: TransactionCoordinator
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  readonly identity: ProducerIdentity
  readonly isV2: boolean
  /** Partitions have been admitted. */
  readonly onAdmitted: () => void
  /** Nothing of it will be committed; called once. */
  readonly onLost: (error: Error) => void
}

/** The broker's clock of a transaction starts later than ours; by this much sooner we end it ourselves, for a broker that does it fences us. */
const marginMs = (timeoutMs: number) => Math.min(1_000, timeoutMs / 10)
const rejoinPauseMs = 50
const rejoinMs = 5_000

export class OpenTransaction {
  readonly identity: ProducerIdentity
  readonly isV2: boolean
  readonly #options: OpenTransactionOptions
  readonly #lost = new AbortController()
  readonly #timer: Timer
  readonly #joined = new Set<string>()
  readonly #wanted = new Map<string, PartitionQueue>()
  readonly #groups = new Map<string, Promise<Refusal | undefined>>()
  readonly #claims: OffsetClaim[] = []
  readonly #work = new Set<Promise<unknown>>()
  #isJoining = false
  #hasBegun = false
  #needsRenewal = false
  #isEnding = false
  #failure: Error | undefined

  constructor(options: OpenTransactionOptions) {
    this.#options = options
    this.identity = options.identity
    this.isV2 = options.isV2
    const { clock, transactionTimeoutMs } = options
    const allowed = transactionTimeoutMs - marginMs(transactionTimeoutMs)
    const late = () => this.lose(transactionTimedOut(transactionTimeoutMs))
    this.#timer = clock.timer(allowed, late, { keepAlive: true })
  }

  /** Aborts when the transaction is lost; the reason says why. */
  get signal(): AbortSignal {
    return this.#lost.signal
  }

  /** Why it will not be committed. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** The cluster knows, or may know, of it. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /** The identity is of no use for the next. */
  get needsRenewal(): boolean {
    return this.#needsRenewal
  }

  lose(error: Error): void {
    if (this.#failure || this.#isEnding) return
    this.#failure = error
    this.#timer.cancel()
    this.#options.onLost(error)
    this.#lost.abort(error)
  }

  /** A record could not be delivered. */
  deliveryFailed(error: Error, verdict: 'abort' | 'renew' | 'fatal', wasNumbered: boolean): void {
    this.#needsRenewal ||= verdict === 'renew' || (wasNumbered && !this.isV2)
    const { transactionalId } = this.#options
    this.lose(verdict === 'fatal' ? producerUseless(transactionalId, error) : transactionLost(error))
  }

  admits(queue: PartitionQueue): boolean {
    if (this.#failure) return false
    if (this.isV2) {
      this.#hasBegun = true
      return true
    }
    const key = `${queue.partition} ${queue.topic}`
    if (this.#joined.has(key)) return true
    this.#wanted.set(key, queue)
    if (!this.#isJoining) {
      this.#isJoining = true
      this.#options.clock.soon(() => this.track(this.#join()))
    }
    return false
  }

  /** What must have ended before the transaction can. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#work.add(work)
    const settled = () => this.#work.delete(work)
    work.then(settled, settled)
    return work
  }

  /** Resolves when all that is tracked has settled, whatever came of it. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled([...this.#work])
  }

  /** From now on only the coordinator can say what becomes of it. */
  ending(): void {
    this.#isEnding = true
    this.#timer.cancel()
  }

  /** The offsets are the cluster's, or the consumer's again. */
  ended(outcome: ClaimOutcome): void {
    for (const claim of this.#claims) claim.end(outcome)
  }

  /** Commits the offsets with the transaction; what goes wrong is its end. */
  async commitOffsets(claim: OffsetClaim): Promise<void> {
    claim.begin()
    if (this.#failure) claim.end('aborted')
    if (this.#failure) throw this.#failure
    this.#claims.push(claim)
    await claim.settled().catch(() => {}) // whoever made that commit hears of it
    if (this.#failure) throw this.#failure
    const { groupId } = claim.membership()
    const refused = (await this.#joinGroup(groupId)) ?? (await this.#sendOffsets(claim))
    if (refused) this.#refused(refused)
    if (this.#failure) throw this.#failure
  }

  async #join(): Promise<void> {
    while (this.#wanted.size > 0 && !this.#failure) {
      const queues = [...this.#wanted.values()]
      const keys = [...this.#wanted.keys()]
      this.#wanted.clear()
      this.#hasBegun = true
      const { refused } = await this.#options.coordinator.addPartitions(this.identity, queues, this.signal)
      if (refused) {
        this.#refused(refused)
        break
      }
      for (const key of keys) this.#joined.add(key)
      this.#options.onAdmitted()
    }
    this.#isJoining = false
  }

  #joinGroup(groupId: string): Promise<Refusal | undefined> {
    this.#hasBegun = true
    if (this.isV2) return Promise.resolve(undefined)
    let joining = this.#groups.get(groupId)
    if (!joining) {
      const asked = this.#options.coordinator.addOffsets(this.identity, groupId, this.signal)
      joining = asked.then(({ refused }) => refused)
      this.#groups.set(groupId, joining)
    }
    return joining
  }

  /** The group may have begun a new generation in which the partitions are still ours: then it is told so. */
  async #sendOffsets(claim: OffsetClaim): Promise<Refusal | undefined> {
    const { clock } = this.#options
    const deadline = clock.monotonic() + rejoinMs
    for (;;) {
      const gone = claim.lost()
      if (gone) return { verdict: 'stale-member', error: gone }
      const membership = claim.membership()
      const { refused } = await this.#send(claim, membership)
      if (refused?.verdict !== 'stale-member') return refused
      while (!claim.lost() && sameGeneration(membership, claim.membership())) {
        if (clock.monotonic() >= deadline || this.#failure) return refused
        await sleep(clock, rejoinPauseMs)
      }
    }
  }

  #send(claim: OffsetClaim, membership: GroupMembership): Promise<Answered<unknown>> {
    const member = membership.isSubscribed ? membership : { ...membership, groupInstanceId: null }
    return this.#options.coordinator.commitOffsets(this.identity, this.isV2, member, claim.offsets, this.signal)
  }

  #refused({ verdict, error }: Refusal): void {
    this.lose(this.#lossOf(verdict, error))
  }

  #lossOf(verdict: Refusal['verdict'], error: Error): TransactionError {
    switch (verdict) {
      case 'fatal':
        return producerUseless(this.#options.transactionalId, error)
      case 'stale-member':
        return membershipLost(error)
      case 'renew':
        this.#needsRenewal = true
        return transactionLost(error)
      default:
        return transactionLost(error)
    }
  }
}

function sameGeneration(a: GroupMembership, b: GroupMembership): boolean {
  return a.generation === b.generation && a.memberId === b.memberId
}
