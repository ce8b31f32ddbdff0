/**
 * A topic as a queue (share groups, KIP-932): each record goes to one member, which acknowledges it by itself; members may outnumber
 * partitions. What is not acknowledged before its lock passes is delivered again.
 *
 *   for await (const job of queue) { await work(job); await job.ack() }     one after the other, each acknowledged by hand
 *   queue.run(work, { concurrency })                                        many at once; what returns is acknowledged, what throws released
 */
import { UsageError } from '@odradek/protocol'
import { abortWith, untilAborted } from '../cluster/abandon.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { Deadline } from '../cluster/deadline.ts'
import type { CloseOptions } from '../consumer/consumer.ts'
import { ConsumerRecord } from '../consumer/consumer-record.ts'
import { freshMemberId } from '../consumer/member-id.ts'
import { Trouble } from '../consumer/trouble.ts'
import { contractOf, nameOf, type Topic, type TopicRef } from '../topic.ts'
import { Appetite } from './appetite.ts'
import type { Delivery } from './delivery.ts'
import { Place } from './place.ts'
import { checkQueueOptions, type QueueOptions, type QueueSettings, queueSettings } from './queue-options.ts'
import { QueueRecord, type QueueRecordOf } from './queue-record.ts'
import { type QueueHandler, QueueRunner, type QueueRunOptions } from './queue-runner.ts'
import { ShareLane } from './share-lane.ts'
import { type AssignedPlace, ShareMember } from './share-member.ts'
import { startOfGroup } from './start-of-group.ts'
import { Stock } from './stock.ts'

/** What a queue needs of its handle. */
export interface QueueHost {
  readonly cluster: Cluster
  closed(queue: Queue<any>): void
}

/** Names connections, so that queues of one handle do not wait for each other. */
let queues = 0

const drainMs = 30_000

export class Queue<T extends TopicRef = TopicRef> implements AsyncIterable<QueueRecordOf<T>>, AsyncDisposable {
  readonly #host: QueueHost
  readonly #settings: QueueSettings
  readonly #contracts: ReadonlyMap<string, Topic>
  readonly #purpose = `queue${++queues}`
  readonly #stock = new Stock(delivery => this.#taken(delivery))
  readonly #trouble: Trouble
  readonly #member: ShareMember
  readonly #lanes = new Map<number, ShareLane>()
  readonly #giveUp = new AbortController()
  readonly #hurry = new AbortController()
  readonly #memberId: string
  readonly #unwatch: () => void
  #places: readonly Place[] = []
  #appetite: Appetite
  #held = 0
  #isStarted = false
  readonly #runs = new Set<Promise<void>>()
  #closing: Promise<void> | undefined

  constructor(host: QueueHost, options: QueueOptions<T>) {
    checkQueueOptions(options)
    const settings = queueSettings(options)
    const { cluster } = host
    const { group, retryForMs: limitMs } = settings
    this.#host = host
    this.#settings = settings
    this.#contracts = new Map(options.topics.map(ref => [nameOf(ref), contractOf(ref)]))
    this.#appetite = new Appetite(1, settings.maxInFlight)
    this.#memberId = freshMemberId(cluster.random)
    const onFatal = (error: Error) => this.#stock.close(error)
    this.#trouble = new Trouble({ clock: cluster.clock, group, limitMs, onFatal })
    this.#member = new ShareMember({
      ...settings,
      cluster,
      trouble: this.#trouble,
      groupId: group,
      memberId: this.#memberId,
      topics: [...this.#contracts.keys()],
      purpose: `${this.#purpose}-heartbeat`,
      onAssigned: places => this.#assigned(places),
    })
    this.#unwatch = cluster.onMetadata(() => this.#spread())
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<QueueRecordOf<T>, undefined> {
    return this.records()
  }

  /** The same as iterating over the queue, with a signal that ends it: the iteration then throws the signal's reason. */
  async *records({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<QueueRecordOf<T>, undefined, undefined> {
    this.#begin()
    for (;;) {
      const delivery = await this.#stock.next(signal)
      if (!delivery) return undefined
      yield await this.#handOut(delivery)
    }
  }

  /** Calls `handler` for every record until the signal aborts or the queue closes; handlers under way are waited for. */
  async run(handler: QueueHandler<QueueRecordOf<T>>, options: QueueRunOptions<QueueRecordOf<T>> = {}): Promise<void> {
    const { clock } = this.#host.cluster
    const runner = new QueueRunner<any>(handler as QueueHandler<any>, options, {
      clock,
      stock: this.#stock,
      handOut: delivery => this.#handOut(delivery),
    })
    this.#appetite = new Appetite(runner.concurrency, Math.max(runner.concurrency, this.#settings.maxInFlight))
    this.#begin()
    const running = runner.run()
    const ended = runner.ended()
    this.#runs.add(ended)
    void ended.then(() => this.#runs.delete(ended))
    await running
  }

  /** Waits for handlers under way, sends the acknowledgements that are due, releases what was not acknowledged, leaves the group. */
  close({ signal }: CloseOptions = {}): Promise<void> {
    abortWith(this.#hurry, signal)
    this.#closing ??= Promise.resolve().then(() => this.#close())
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #begin(): void {
    if (this.#closing) throw new UsageError('the queue is closed: make a new one to go on')
    if (this.#isStarted) return
    this.#isStarted = true
    void this.#start()
  }

  async #start(): Promise<void> {
    const { group, from } = this.#settings
    try {
      if (from !== undefined) await startOfGroup(this.#host.cluster, group, from, this.#hurry.signal)
    } catch (error) {
      if (!this.#closing) this.#trouble.fail(error)
      return
    }
    if (!this.#closing) this.#member.start()
  }

  async #close(): Promise<void> {
    const { signal } = this.#hurry
    this.#unwatch()
    this.#stock.close()
    using drained = new Deadline(this.#host.cluster.clock, drainMs, 'handlers did not end', signal)
    await untilAborted(
      Promise.all(this.#runs).then(() => {}),
      drained.signal,
    )
    this.#giveUp.abort(new UsageError('the queue is closed: the record is delivered again'))
    await Promise.all(Array.from(this.#lanes.values(), lane => lane.close(signal)))
    await this.#member.close(signal)
    this.#host.cluster.closePurpose(this.#purpose)
    this.#host.closed(this)
  }

  #handOut(delivery: Delivery): QueueRecordOf<T> | Promise<QueueRecordOf<T>> {
    const record = new QueueRecord(delivery) as QueueRecordOf<T>
    return delivery.place.hasAsyncSerde ? ConsumerRecord.ready(record as QueueRecord).then(() => record) : record
  }

  #assigned(places: readonly AssignedPlace[]): void {
    const known = new Map(this.#places.map(place => [place.key, place]))
    this.#places = places.map(at => {
      const contract = this.#contracts.get(at.topic) ?? contractOf(at.topic)
      const place = new Place(at, contract, this.#giveUp.signal)
      return known.get(place.key) ?? place
    })
    const { cluster } = this.#host
    const unknown = [...new Set(this.#places.map(({ topic }) => topic))].filter(topic => !cluster.topic(topic))
    if (unknown.length > 0) cluster.describe(unknown).catch(error => this.#trouble.met('metadata', error))
    this.#spread()
  }

  /** Each partition to the lane of the node that leads it. */
  #spread(): void {
    if (this.#closing) return
    const { cluster } = this.#host
    const byLeader = Map.groupBy(this.#places, at => cluster.leaderOf(at.topic, at.partition))
    for (const nodeId of byLeader.keys()) {
      if (nodeId >= 0 && !this.#lanes.has(nodeId)) this.#lanes.set(nodeId, this.#laneTo(nodeId))
    }
    for (const [nodeId, lane] of this.#lanes) lane.want(byLeader.get(nodeId) ?? [])
  }

  #laneTo(nodeId: number): ShareLane {
    return new ShareLane({
      cluster: this.#host.cluster,
      nodeId,
      groupId: this.#settings.group,
      memberId: this.#memberId,
      purpose: this.#purpose,
      maxWaitMs: this.#settings.maxWaitMs,
      maxBytes: this.#settings.maxBytes,
      trouble: this.#trouble,
      room: done => (this.#trouble.fatal ? 0 : this.#appetite.wants(this.#held - done)),
      onHeld: change => this.#heldChanged(change),
      onArrival: deliveries => this.#stock.put(deliveries),
    })
  }

  #heldChanged(change: number): void {
    this.#held += change
    if (change < 0) for (const lane of this.#lanes.values()) lane.wake()
  }

  #taken(delivery: Delivery): void {
    delivery.settler.handedOut(delivery)
    if (!delivery.isLast) return
    const { takenAt, ms } = delivery.lock
    this.#appetite.waited(this.#host.cluster.clock.monotonic() - takenAt, ms)
  }
}
