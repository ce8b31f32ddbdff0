/** Share groups as a scripted cluster has them: one group, sessions, locks that do not pass by themselves, all in memory. */
import {
  ErrorCodes,
  type Request,
  type ResponseInput,
  ShareAcknowledge,
  ShareFetch,
  ShareGroupHeartbeat,
} from '@odradek/protocol'
import { type Clock, sleep } from '@odradek/world'
import type { ScriptedCluster } from './scripted-broker.ts'

type Batches = Request<typeof ShareAcknowledge>['topics'][number]['partitions'][number]['acknowledgementBatches']

/** Of topic 't', partition 0, which is all there is. */
export class ShareBroker {
  lockMs = 30_000
  /** A session that begins anew finds locked what the one before it had locked. */
  keepsLocks = false
  /** By offset; what is in no list is done. */
  readonly acquired = new Map<number, number>()
  readonly log: string[] = []
  epoch = 0
  readonly #deliveries = new Map<number, number>()
  readonly #released = new Set<number>()
  readonly #cluster: ScriptedCluster
  readonly #clock: Clock
  #next = 0

  constructor(cluster: ScriptedCluster, clock: Clock) {
    this.#cluster = cluster
    this.#clock = clock
    cluster.on(ShareGroupHeartbeat, request => this.#heartbeat(request))
    cluster.on(ShareFetch, request => this.fetch(request))
    cluster.on(ShareAcknowledge, request => this.acknowledge(request))
  }

  /** Offsets in the order in which they were accepted. */
  readonly accepted: number[] = []

  get isDone(): boolean {
    return this.acquired.size === 0 && this.#released.size === 0 && this.#next === this.#cluster.partition('t').end
  }

  /** The lock has passed: the record is for anybody. */
  expire(offset: number): void {
    this.acquired.delete(offset)
    this.#released.add(offset)
  }

  /** Knows no sessions any more, nor how often what was not done has been delivered. */
  restart(): void {
    this.epoch = -2
    for (const offset of [...this.acquired.keys()]) {
      this.expire(offset)
      this.#deliveries.delete(offset)
    }
  }

  #heartbeat({
    memberId,
    memberEpoch,
  }: Request<typeof ShareGroupHeartbeat>): ResponseInput<typeof ShareGroupHeartbeat> {
    this.log.push(memberEpoch === 0 ? 'join' : memberEpoch < 0 ? 'leave' : 'beat')
    const { topicId } = this.#cluster.topics.get('t')!
    const assignment = memberEpoch === 0 ? { topicPartitions: [{ topicId, partitions: [0] }] } : null
    return { errorCode: 0, memberId, memberEpoch: 1, heartbeatIntervalMs: 5_000, assignment }
  }

  async fetch(request: Request<typeof ShareFetch>): Promise<ResponseInput<typeof ShareFetch>> {
    const refused = this.#advance(request.shareSessionEpoch)
    const empty = { acquisitionLockTimeoutMs: this.lockMs, responses: [], nodeEndpoints: [] }
    if (refused !== 0) return { errorCode: refused, ...empty }
    const batches = request.topics.flatMap(topic => topic.partitions.flatMap(p => p.acknowledgementBatches))
    const acknowledgeErrorCode = this.#take(batches)
    let acquired = this.#acquire(request.maxRecords)
    if (acquired.length === 0 && request.maxWaitMs > 0) {
      await sleep(this.#clock, request.maxWaitMs)
      acquired = this.#acquire(request.maxRecords)
    }
    this.log.push(`fetch ${acquired.map(at => at.firstOffset).join(',')}${batches.length > 0 ? ' +acks' : ''}`)
    const { topicId, partitions } = this.#cluster.topics.get('t')!
    const bytes = partitions[0]!.batches
    const partition = {
      partitionIndex: 0,
      errorCode: 0,
      acknowledgeErrorCode,
      currentLeader: { leaderId: 0, leaderEpoch: 0 },
      records: acquired.length > 0 ? Buffer.concat(bytes) : new Uint8Array(),
      acquiredRecords: acquired,
    }
    return { errorCode: 0, ...empty, responses: [{ topicId, partitions: [partition] }] }
  }

  acknowledge(request: Request<typeof ShareAcknowledge>): ResponseInput<typeof ShareAcknowledge> {
    const refused = request.shareSessionEpoch === -1 ? 0 : this.#advance(request.shareSessionEpoch)
    const answer = { acquisitionLockTimeoutMs: this.lockMs, nodeEndpoints: [] }
    if (refused !== 0) return { errorCode: refused, responses: [], ...answer }
    const responses = request.topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partitionIndex, acknowledgementBatches }) => {
        const errorCode = this.#take(acknowledgementBatches)
        return { partitionIndex, errorCode, currentLeader: { leaderId: 0, leaderEpoch: 0 } }
      }),
    }))
    if (request.shareSessionEpoch === -1) {
      this.log.push('end')
      for (const offset of [...this.acquired.keys()]) this.expire(offset)
    }
    return { errorCode: 0, responses, ...answer }
  }

  #advance(epoch: number): number {
    if (epoch !== 0 && epoch !== this.epoch) return ErrorCodes.SHARE_SESSION_NOT_FOUND
    if (epoch === 0 && !this.keepsLocks) for (const offset of [...this.acquired.keys()]) this.expire(offset)
    this.epoch = epoch + 1
    return 0
  }

  /** All of a request, or nothing. */
  #take(batches: Batches): number {
    const all = batches.flatMap(({ firstOffset, lastOffset, acknowledgeTypes }) =>
      Array.from({ length: lastOffset - firstOffset + 1 }, (_, i) => ({
        offset: firstOffset + i,
        type: acknowledgeTypes[acknowledgeTypes.length === 1 ? 0 : i]!,
      })),
    )
    if (all.length > 0) this.log.push(`acks ${all.map(({ offset, type }) => `${offset}:${type}`).join(',')}`)
    if (all.some(({ offset }) => !this.acquired.has(offset))) return ErrorCodes.INVALID_RECORD_STATE
    for (const { offset, type } of all) {
      if (type === 1) this.accepted.push(offset)
      if (type === 2) this.expire(offset)
      else if (type !== 4) this.acquired.delete(offset)
    }
    return 0
  }

  #acquire(max: number): { firstOffset: number; lastOffset: number; deliveryCount: number }[] {
    const { end } = this.#cluster.partition('t')
    const offsets = [...this.#released].slice(0, max)
    while (offsets.length < max && this.#next < end) offsets.push(this.#next++)
    return offsets.map(offset => {
      const deliveryCount = (this.#deliveries.get(offset) ?? 0) + 1
      this.#released.delete(offset)
      this.#deliveries.set(offset, deliveryCount)
      this.acquired.set(offset, deliveryCount)
      return { firstOffset: offset, lastOffset: offset, deliveryCount }
    })
  }
}
