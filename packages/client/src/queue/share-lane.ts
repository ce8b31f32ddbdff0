/**
 * The conversation with one node: acquires records from the partitions it leads and acknowledges them, in one share session, one request
 * at a time. What to say next is decided when the last has been answered:
 *
 *   - acknowledgements go at once; on a ShareFetch that does not wait when there is room for more records, else by ShareAcknowledge;
 *   - a ShareFetch that waits for records is sent only while nothing of this node is held, so no acknowledgement is stuck behind it;
 *   - while something is held and nothing was there to fetch, fetches keep a pause.
 *
 * The broker takes the acknowledgements of a partition all or none. When it refuses them for one whose lock has passed, they are sent
 * again in halves until that one stands alone.
 */
import { ErrorCodes, errorByCode, ProtocolError, type Response, ShareAcknowledge, ShareFetch } from '@odradek/protocol'
import { backoffMs } from '../cluster/backoff.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { Deadline } from '../cluster/deadline.ts'
import type { Trouble } from '../consumer/trouble.ts'
import { Wakeup } from '../consumer/wakeup.ts'
import { AckType } from './acknowledgement.ts'
import { readAcquired } from './acquired-records.ts'
import { Delivery, type Settler } from './delivery.ts'
import { asSent, byLock, countDone, type Gathered, Gatherer, halves, without } from './gathered.ts'
import { Lock } from './lock.ts'
import { type Place, placeKey } from './place.ts'
import { endOfSession, ShareSession } from './share-session.ts'

export interface ShareLaneOptions {
  readonly cluster: Cluster
  readonly nodeId: number
  readonly groupId: string
  readonly memberId: string
  readonly purpose: string
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly trouble: Trouble
  /** How many more records to acquire now, when so many of those that are held are done. */
  readonly room: (done: number) => number
  /** So many more, or fewer, records are held. */
  readonly onHeld: (change: number) => void
  readonly onArrival: (deliveries: readonly Delivery[]) => void
}

type FetchAnswer = Response<typeof ShareFetch>
type PartitionAnswer = FetchAnswer['responses'][number]['partitions'][number]

const renewVersion = 2
/** Exactly as many records as asked for, instead of whole batches (KIP-1206). */
const strictly = 1
const emptyPauseMs = 25
const refusedPauseMs = 100
const closeMs = 5_000
/** Somebody wakes us sooner when there is something to do. */
const idleMs = 60_000

const sessionCodes: ReadonlySet<number> = new Set([
  ErrorCodes.SHARE_SESSION_NOT_FOUND,
  ErrorCodes.INVALID_SHARE_SESSION_EPOCH,
])

export class ShareLane implements Settler {
  readonly #options: ShareLaneOptions
  readonly #session = new ShareSession()
  readonly #gathered = new Gatherer()
  readonly #wakeup: Wakeup
  readonly #over: Promise<void>
  #suspects: Gathered[] = []
  #wanted = new Map<string, Place>()
  readonly #waiting = new Set<Delivery>()
  readonly #locks = new Set<Lock>()
  /** Of those, taken in sessions that are over: a broker that was started anew knows nothing of them. */
  readonly #earlierLocks = new Set<Lock>()
  #held = 0
  #notBefore = 0
  #fetchNotBefore = 0
  #failures = 0
  #isClosing = false

  constructor(options: ShareLaneOptions) {
    this.#options = options
    this.#wakeup = new Wakeup(options.cluster.clock)
    this.#over = this.#run()
  }

  get mayRenew(): boolean {
    const { cluster, nodeId, purpose } = this.#options
    return (cluster.readyConnection(nodeId, purpose)?.versionOf(ShareAcknowledge) ?? renewVersion) >= renewVersion
  }

  want(places: readonly Place[]): void {
    this.#wanted = new Map(places.map(place => [place.key, place]))
    this.#wakeup.notify()
  }

  /** There may be room again. */
  wake(): void {
    this.#wakeup.notify()
  }

  /** The application has it now. */
  handedOut(delivery: Delivery): void {
    this.#waiting.delete(delivery)
  }

  settle(delivery: Delivery, type: AckType): void {
    this.#gathered.add(delivery.place, { offset: delivery.offset, type, delivery })
    this.#wakeup.notify()
  }

  renew(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      this.#gathered.add(delivery.place, { offset: delivery.offset, type: AckType.renew, delivery })
    }
    this.#wakeup.notify()
  }

  /** Sends what is gathered and ends the session; the broker releases what is still held. */
  async close(signal?: AbortSignal): Promise<void> {
    this.#isClosing = true
    this.#wakeup.notify()
    const { cluster, nodeId } = this.#options
    using deadline = new Deadline(cluster.clock, closeMs, `node ${nodeId} did not answer`, signal)
    await Promise.race([this.#over, new Promise(resolve => deadline.signal.addEventListener('abort', resolve))])
    const left = this.#stillLocked([...this.#suspects, ...this.#gathered.takeAll()])
    try {
      if (this.#session.isOpen) await this.#acknowledge(left, deadline.signal, endOfSession)
      else this.#fail(left, ErrorCodes.SHARE_SESSION_NOT_FOUND)
    } catch {
      this.#fail(left, ErrorCodes.SHARE_SESSION_NOT_FOUND)
    }
    for (const lock of [...this.#locks]) lock.end()
  }

  async #run(): Promise<void> {
    while (!this.#isClosing) {
      const pause = Math.max(0, this.#notBefore - this.#options.cluster.clock.monotonic())
      const idle = pause > 0 ? pause : await this.#turn()
      if (idle > 0 && !this.#isClosing) await this.#wakeup.wait(idle)
    }
  }

  /** One request, if there is one to make; else how long there will be none unless somebody wakes us. */
  async #turn(): Promise<number> {
    const acks = this.#session.isOpen ? this.#nextAcks() : []
    try {
      const room = this.#wanted.size > 0 ? this.#options.room(countDone(acks)) : 0
      if (acks.length > 0) {
        if (room > 0 && acks.every(one => this.#mayRideAlong(one))) await this.#fetch(acks, room, 0)
        else await this.#acknowledge(acks)
      } else if (!this.#session.isOpen && !this.#gathered.isEmpty) {
        if (this.#wanted.size > 0) await this.#fetch([], Math.max(1, room), 0)
        else this.#fail(this.#gathered.takeAll(), ErrorCodes.SHARE_SESSION_NOT_FOUND)
      } else if (room === 0) return idleMs
      else if (this.#held === 0) await this.#fetch([], room, this.#options.maxWaitMs)
      else {
        const pause = this.#fetchNotBefore - this.#options.cluster.clock.monotonic()
        if (pause > 0) return pause
        await this.#fetch([], room, 0)
      }
      this.#failures = 0
    } catch (error) {
      this.#failed(error, acks)
    }
    return 0
  }

  /** Suspects one by one, for they may spoil what travels with them. */
  #nextAcks(): Gathered[] {
    for (let suspect = this.#suspects.shift(); suspect; suspect = this.#suspects.shift()) {
      const locked = this.#stillLocked([suspect])
      if (locked.length > 0) return locked
    }
    return this.#stillLocked(this.#gathered.takeAll())
  }

  /** What waited until its lock had passed is not said: the record may be ours anew, and the broker would take it for that. */
  #stillLocked(all: readonly Gathered[]): Gathered[] {
    const { locked, passed } = byLock(all)
    this.#fail(passed, ErrorCodes.INVALID_RECORD_STATE)
    return locked
  }

  #mayRideAlong({ place, acks }: Gathered): boolean {
    return this.#wanted.has(place.key) && acks.every(({ type }) => type !== AckType.renew)
  }

  async #fetch(acks: readonly Gathered[], room: number, maxWaitMs: number): Promise<void> {
    const { cluster, nodeId, groupId, memberId, purpose, maxBytes, trouble } = this.#options
    const session = this.#session.fetch([...this.#wanted.values()], acks.map(asSent))
    const limits = { maxWaitMs, minBytes: 1, maxBytes, maxRecords: room, batchSize: room, shareAcquireMode: strictly }
    const answer = await cluster.call(nodeId, ShareFetch, { groupId, memberId, ...limits, ...session }, { purpose })
    if (answer.errorCode !== ErrorCodes.NONE) {
      this.#refused(answer.errorCode, ShareFetch.name, acks)
      return
    }
    this.#session.answered()
    trouble.passed(`node ${nodeId}`)
    const answers = answer.responses.flatMap(({ topicId, partitions }) =>
      partitions.map(partition => ({ key: placeKey(topicId, partition.partitionIndex), partition })),
    )
    const codes = new Map(answers.map(({ key, partition }) => [key, partition.acknowledgeErrorCode]))
    // First what is done: a record that was released may be among those that arrive.
    for (const one of acks) this.#answered(one, codes.get(one.place.key), 0)
    let arrived = 0
    for (const { key, partition } of answers) {
      const place = this.#wanted.get(key)
      if (partition.errorCode !== ErrorCodes.NONE) this.#partitionRefused(key, partition.errorCode)
      else if (place) arrived += this.#arrived(place, partition, answer.acquisitionLockTimeoutMs)
    }
    if (arrived === 0) this.#fetchNotBefore = cluster.clock.monotonic() + emptyPauseMs
  }

  async #acknowledge(acks: readonly Gathered[], signal?: AbortSignal, epoch?: number): Promise<void> {
    const { cluster, nodeId, groupId, memberId, purpose, trouble } = this.#options
    const session = this.#session.acknowledge(acks.map(asSent))
    const isRenewAck = acks.some(one => one.acks.some(({ type }) => type === AckType.renew))
    const request = {
      groupId,
      memberId,
      isRenewAck,
      ...session,
      ...(epoch !== undefined && { shareSessionEpoch: epoch }),
    }
    const answer = await cluster.call(nodeId, ShareAcknowledge, request, { purpose, signal })
    if (answer.errorCode !== ErrorCodes.NONE) {
      this.#refused(answer.errorCode, ShareAcknowledge.name, acks)
      return
    }
    if (epoch === undefined) this.#session.answered()
    else this.#session.lost()
    trouble.passed(`node ${nodeId}`)
    const codes = new Map<string, number>()
    for (const { topicId, partitions } of answer.responses) {
      for (const { partitionIndex, errorCode } of partitions) codes.set(placeKey(topicId, partitionIndex), errorCode)
    }
    for (const one of acks) this.#answered(one, codes.get(one.place.key), answer.acquisitionLockTimeoutMs)
  }

  #arrived(place: Place, { records, acquiredRecords }: PartitionAnswer, lockMs: number): number {
    if (acquiredRecords.length === 0) return 0
    const acquired = readAcquired(records, acquiredRecords)
    for (const offset of acquired.gaps) this.#unseen(place, offset, AckType.gap)
    for (const offset of acquired.damaged) this.#unseen(place, offset, AckType.reject)
    if (acquired.damage) this.#options.trouble.met(`partition ${place.key}`, acquired.damage, true)
    for (const { offset, deliveryCount } of acquired.records)
      this.#supersede(place, offset, deliveryCount > 1 ? this.#locks : this.#earlierLocks)
    const deliveries = acquired.records.map(record => new Delivery(place, record, this))
    for (const delivery of deliveries) this.#waiting.add(delivery)
    const last = deliveries.at(-1)
    if (last) last.isLast = true
    this.#lock(deliveries, lockMs)
    this.#hold(deliveries.length)
    this.#options.onArrival(deliveries)
    return deliveries.length
  }

  /** The application has nothing to say of it. */
  #unseen(place: Place, offset: number, type: AckType): void {
    this.#supersede(place, offset, this.#locks)
    this.#gathered.add(place, { offset, type, delivery: undefined })
  }

  /** Who is given a record again has lost it before: what comes of the earlier delivery must not be taken for this one's. */
  #supersede(place: Place, offset: number, locks: ReadonlySet<Lock>): void {
    const waiting = this.#gathered.remove(place, offset)?.delivery
    if (waiting) this.#drop(waiting, waiting.lockLost())
    for (const lock of locks) {
      const former = lock.deliveries.find(one => one.offset === offset && one.place.key === place.key)
      if (!former || former.lock !== lock || former.state === 'settled') continue
      this.#suspects = without(this.#suspects, former)
      this.#drop(former, former.lockLost())
    }
  }

  #lock(deliveries: readonly Delivery[], ms: number): void {
    if (deliveries.length === 0) return
    const lock = new Lock(this.#options.cluster.clock, ms, deliveries, {
      onHalf: some => this.#halfOver(some),
      onEnd: left => {
        this.#locks.delete(lock)
        this.#earlierLocks.delete(lock)
        if (left > 0) this.#hold(-left)
      },
    })
    this.#locks.add(lock)
  }

  /** What waits its turn keeps its lock where brokers allow it, and goes back where not; what is out, as long as was asked for. */
  #halfOver(deliveries: readonly Delivery[]): void {
    const now = this.#options.cluster.clock.monotonic()
    const kept = deliveries.filter(
      ({ state, keepUntil }) => state === 'waiting' || (state === 'out' && keepUntil > now),
    )
    if (this.mayRenew) this.renew(kept)
    else for (const delivery of kept) if (delivery.state === 'waiting') this.#giveBack(delivery)
  }

  #giveBack(delivery: Delivery): void {
    this.#waiting.delete(delivery)
    delivery.settleUnheard(AckType.release)
  }

  #hold(change: number): void {
    this.#held += change
    this.#options.onHeld(change)
  }

  /** `code` undefined: the broker has not said. */
  #answered(gathered: Gathered, code: number | undefined, lockMs: number): void {
    if (code === ErrorCodes.INVALID_RECORD_STATE && gathered.acks.length > 1) {
      this.#suspects.push(...halves(gathered))
    } else if (code !== ErrorCodes.NONE) this.#fail([gathered], code ?? ErrorCodes.UNKNOWN_SERVER_ERROR)
    else this.#taken(gathered, lockMs)
  }

  #taken({ acks }: Gathered, lockMs: number): void {
    const renewed: Delivery[] = []
    let done = 0
    for (const { type, delivery } of acks) {
      if (!delivery) continue
      if (type === AckType.renew) renewed.push(delivery)
      else {
        if (delivery.lock.leave()) done++
        delivery.done()
      }
    }
    if (done > 0) this.#hold(-done)
    const kept = renewed.filter(delivery => delivery.state !== 'settled' && delivery.lock.leave())
    this.#lock(kept, lockMs)
    for (const delivery of renewed) delivery.renewed()
  }

  #fail(all: readonly Gathered[], code: number): void {
    for (const { place, acks } of all) {
      const error = failure(place, code)
      if (acks.some(({ delivery }) => delivery)) this.#options.trouble.met('acknowledgement', error, true)
      this.#options.trouble.passed('acknowledgement')
      for (const { delivery, type } of acks) {
        if (!delivery) continue
        if (type === AckType.renew && delivery.state === 'out') delivery.renewed(error)
        else this.#drop(delivery, error)
      }
    }
  }

  #drop(delivery: Delivery, error: Error): void {
    this.#waiting.delete(delivery)
    if (delivery.state === 'settled') return
    if (delivery.lock.leave()) this.#hold(-1)
    delivery.failed(error)
  }

  #refused(code: number, api: string, acks: readonly Gathered[]): void {
    const { cluster, nodeId, trouble } = this.#options
    if (sessionCodes.has(code)) {
      this.#sessionLost()
      this.#gathered.putBack(acks)
    } else this.#fail(acks, code)
    const error = new ProtocolError(code, { api })
    trouble.met(`node ${nodeId}`, error, errorByCode(code).retriable)
    this.#notBefore = cluster.clock.monotonic() + refusedPauseMs
  }

  #partitionRefused(key: string, code: number): void {
    const { cluster, trouble } = this.#options
    const { topic, partition } = this.#wanted.get(key) ?? {}
    const where = topic === undefined || partition === undefined ? {} : { topic, partition }
    const error = new ProtocolError(code, { api: ShareFetch.name, ...where })
    trouble.met(`partition ${key}`, error, error.retriable || error.refreshMetadata)
    this.#notBefore = cluster.clock.monotonic() + refusedPauseMs
    cluster.refresh().catch(() => {}) // the next fetch says what is wrong
  }

  /** The connection broke: brokers release what a session held when its connection ends. */
  #failed(error: unknown, acks: readonly Gathered[]): void {
    const { cluster, nodeId, trouble } = this.#options
    this.#sessionLost()
    for (const { acks: some } of acks)
      for (const { delivery } of some) if (delivery) this.#drop(delivery, error as Error)
    trouble.met(`node ${nodeId}`, error)
    this.#notBefore = cluster.clock.monotonic() + backoffMs(++this.#failures, cluster.random, cluster.backoff)
    cluster.refresh().catch(() => {}) // the next fetch says what is wrong
  }

  /** What has not been handed out is left to whoever acquires it next. */
  #sessionLost(): void {
    this.#session.lost()
    for (const lock of this.#locks) this.#earlierLocks.add(lock)
    for (const delivery of [...this.#waiting]) this.#drop(delivery, delivery.lockLost())
  }
}

function failure({ topic, partition }: Place, code: number): ProtocolError {
  const advice = 'What was not acknowledged is delivered again, perhaps to another.'
  return new ProtocolError(code, { api: ShareAcknowledge.name, topic, partition, advice })
}
