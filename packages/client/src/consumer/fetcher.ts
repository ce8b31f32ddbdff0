/**
 * Keeps fetches under way to every broker that leads something we may fetch, and puts what they bring into the partitions' buffers.
 *
 * `pump` is called whenever something may have become fetchable; it looks at all partitions and starts what is missing. A partition is
 * in one request at a time; a broker has four lanes (see fetch-lane.ts). Nothing more is fetched while the buffers hold `bufferBytes`.
 */
import { ConnectionError, ErrorCodes, Fetch, ProtocolError } from '@odradek/protocol'
import type { Timer } from '@odradek/world'
import type { Cluster } from '../cluster/cluster.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { damageEnd } from './damage-end.ts'
import { DamagedRecordsError } from './damaged-records.ts'
import { fetchReaction } from './fetch-errors.ts'
import { FetchLane, type FetchLimits, type PartitionAnswer } from './fetch-lane.ts'
import { FetchedBytes } from './fetched-bytes.ts'
import { isReadable } from './readable-offset.ts'
import type { Trouble } from './trouble.ts'

export interface FetcherOptions extends FetchLimits {
  readonly cluster: Cluster
  readonly trouble: Trouble
  /** Names the connections of this engine. */
  readonly purpose: string
  readonly maxWaitMs: number
  readonly bufferBytes: number
  readonly checkCrcs: boolean
  readonly metadataMaxAgeMs: number
  readonly partitions: () => Iterable<AssignedPartition>
  readonly onArrival: () => void
  readonly onOutOfRange: (p: AssignedPartition, reason: string) => void
}

interface Lanes {
  readonly waiting: FetchLane
  readonly reading: FetchLane
  readonly alsoReading: FetchLane
  readonly joining: FetchLane
}

const retryPauseMs = 100
const joiningWaitMs = 50
const longestRequestBytes = 50 * 1024 * 1024
/** Times in a row that bytes may make no sense before the application is told. */
const mostDamages = 3

export class Fetcher {
  readonly #options: FetcherOptions
  readonly #lanes = new Map<number, Lanes>()
  /** Partitions of which it is being found out how far they are damaged. */
  readonly #measured = new Set<AssignedPartition>()
  readonly #pausedNodes = new Map<number, number>()
  #later: Timer | undefined
  #laterAt = Number.POSITIVE_INFINITY
  #isClosed = false

  constructor(options: FetcherOptions) {
    this.#options = options
  }

  pump(): void {
    if (this.#isClosed) return
    const { cluster, bufferBytes, partitions } = this.#options
    const now = cluster.clock.monotonic()
    let buffered = 0
    const byNode = new Map<number, AssignedPartition[]>()
    for (const p of partitions()) {
      buffered += p.bufferedBytes
      if (p.notBefore > now && p.need === null) this.#pumpAt(p.notBefore)
      if (!p.isFetchable(now)) continue
      const node = this.#nodeFor(p, now)
      if (node < 0) {
        this.#refresh()
        continue
      }
      const some = byNode.get(node)
      if (some) some.push(p)
      else byNode.set(node, [p])
    }
    if (buffered >= bufferBytes) return
    for (const [node, some] of byNode) this.#start(node, some, bufferBytes - buffered, now)
  }

  close(): void {
    this.#isClosed = true
    this.#later?.cancel()
    for (const lane of ['waiting', 'reading', 'alsoReading', 'joining'] as const)
      this.#options.cluster.closePurpose(this.#purposeOf(lane))
    this.#options.cluster.closePurpose(this.#measuringPurpose)
  }

  #nodeFor(p: AssignedPartition, now: number): number {
    if (p.nearer && p.nearer.until <= now) p.nearer = null
    return p.nearer?.nodeId ?? this.#options.cluster.leaderOf(p.topic, p.partition)
  }

  #start(node: number, some: readonly AssignedPartition[], room: number, now: number): void {
    const pausedUntil = this.#pausedNodes.get(node) ?? 0
    if (pausedUntil > now) {
      this.#pumpAt(pausedUntil)
      return
    }
    const { waiting, reading, alsoReading, joining } = this.#lanesOf(node)
    const atEnd = some.filter(p => p.isAtEnd)
    const behind = some.filter(p => !p.isAtEnd)
    // Half of them in each, so that the broker reads for one while we take in the other.
    const half = reading.isBusy ? 0 : alsoReading.isBusy ? behind.length : Math.ceil(behind.length / 2)
    if (half > 0) this.#send(node, reading, behind.slice(0, half), room)
    if (half < behind.length && !alsoReading.isBusy) this.#send(node, alsoReading, behind.slice(half), room)
    // Those that are joining shall be in the next long poll.
    if (atEnd.length === 0 || joining.isBusy) return
    this.#send(node, waiting.isBusy ? joining : waiting, atEnd, room)
  }

  #send(node: number, lane: FetchLane, some: readonly AssignedPartition[], room: number): void {
    lane.isBusy = true
    for (const p of some) p.isInFlight = true
    void this.#fetch(node, lane, some, Math.min(room, longestRequestBytes))
  }

  #lanesOf(nodeId: number): Lanes {
    let lanes = this.#lanes.get(nodeId)
    if (!lanes) {
      const { cluster, maxWaitMs } = this.#options
      const laneOf = (lane: keyof Lanes, maxWaitMs: number) => {
        const purpose = this.#purposeOf(lane)
        return new FetchLane({
          cluster,
          nodeId,
          purpose,
          limits: this.#options,
          maxWaitMs,
          hasSession: lane === 'waiting',
        })
      }
      lanes = {
        waiting: laneOf('waiting', maxWaitMs),
        reading: laneOf('reading', 0),
        alsoReading: laneOf('alsoReading', 0),
        joining: laneOf('joining', Math.min(maxWaitMs, joiningWaitMs)),
      }
      this.#lanes.set(nodeId, lanes)
    }
    return lanes
  }

  get #measuringPurpose(): string {
    return `${this.#options.purpose}-measuring`
  }

  #purposeOf(lane: keyof Lanes): string {
    return `${this.#options.purpose}-${lane}`
  }

  async #fetch(node: number, lane: FetchLane, some: readonly AssignedPartition[], maxBytes: number): Promise<void> {
    const versions = some.map(p => p.version)
    const offsets = some.map(p => p.fetchOffset)
    try {
      const answers = await lane.fetch(some, maxBytes)
      this.#release(lane, some)
      if (this.#isClosed) return
      this.#options.trouble.passed(`node ${node}`)
      // Whoever answers was found: metadata that could not be had a while ago is forgiven, asked for again or not.
      this.#options.trouble.passed('metadata')
      some.forEach((p, i) => {
        const answer = answers?.get(p)
        if (!answer || p.version !== versions[i]) return
        if (answer.errorCode === 0) this.#take(p, answer, offsets[i]!)
        else this.#refused(p, answer.errorCode, offsets[i]!)
      })
      if (answers) this.#options.onArrival()
    } catch (error) {
      this.#release(lane, some)
      if (this.#isClosed) return
      this.#pausedNodes.set(node, this.#options.cluster.clock.monotonic() + retryPauseMs)
      for (const p of some) p.nearer = null
      const isAnswer = error instanceof ProtocolError
      if (isAnswer) this.#options.trouble.met(`node ${node}`, error, fetchReaction(error.errorCode) !== 'fail')
      else this.#options.trouble.met(`node ${node}`, error)
      if (isAnswer || error instanceof ConnectionError) this.#refresh()
    }
    this.pump()
  }

  #release(lane: FetchLane, some: readonly AssignedPartition[]): void {
    lane.isBusy = false
    for (const p of some) p.isInFlight = false
  }

  #take(p: AssignedPartition, answer: PartitionAnswer, from: number): void {
    const { isolation, checkCrcs, cluster, metadataMaxAgeMs } = this.#options
    const { highWatermark, lastStableOffset, logStartOffset, records, preferredReadReplica } = answer
    this.#options.trouble.passed(`partition ${p.key}`)
    p.endOffset = isolation === 'read_committed' && lastStableOffset >= 0 ? lastStableOffset : highWatermark
    p.logStartOffset = logStartOffset
    if (preferredReadReplica >= 0) {
      p.nearer = { nodeId: preferredReadReplica, until: cluster.clock.monotonic() + metadataMaxAgeMs }
    }
    if (!records || records.length === 0) return
    const { topic, partition } = p
    const aborted = isolation === 'read_committed' ? (answer.abortedTransactions ?? []) : null
    try {
      const fetched = new FetchedBytes(records, from, { topic, partition, aborted, checkCrcs })
      if (fetched.isExhausted) p.partitionMaxBytes *= 2
      else p.arrived(fetched)
    } catch (error) {
      this.damaged(p, error)
    }
  }

  /** The bytes do not make sense. They are fetched again a few times, for the damage may have happened on the way. */
  damaged(p: AssignedPartition, error: unknown): void {
    p.refetch()
    this.#pause(p)
    if (++p.damages <= mostDamages) return
    const at = { offset: p.position ?? 0, resumeAt: (p.position ?? 0) + 1 }
    p.damage =
      error instanceof DamagedRecordsError
        ? error
        : new DamagedRecordsError({ topic: p.topic, partition: p.partition, ...at }, String(error), error)
    this.#options.onArrival()
  }

  /** The broker refuses to hand records out. What was fetched before them is good, and goes first. */
  #refusedAsDamaged(p: AssignedPartition, offset: number, error: ProtocolError): void {
    this.#pause(p)
    if (p.bufferedBytes > 0 || this.#measured.has(p) || ++p.damages <= mostDamages) return
    void this.#measure(p, offset, error)
  }

  async #measure(p: AssignedPartition, offset: number, cause: ProtocolError): Promise<void> {
    const { cluster, onArrival } = this.#options
    const { topic, partition, version } = p
    this.#measured.add(p)
    const ask = (at: number) => isReadable(cluster, p, at, this.#measuringPurpose)
    const resumeAt = await damageEnd(offset, ask).catch(() => offset + 1)
    this.#measured.delete(p)
    if (this.#isClosed || p.version !== version) return
    const further = resumeAt > offset + 1 ? `, and up to ${resumeAt - 1} wherever it was asked` : ''
    const why = `the broker says its records there are damaged${further}`
    p.damage = new DamagedRecordsError({ topic, partition, offset, resumeAt }, why, cause)
    onArrival()
  }

  #refused(p: AssignedPartition, code: number, offset: number): void {
    const error = new ProtocolError(code, { api: Fetch.name, topic: p.topic, partition: p.partition })
    if (code === ErrorCodes.CORRUPT_MESSAGE) {
      p.nearer = null
      this.#refresh()
      this.#refusedAsDamaged(p, offset, error)
      return
    }
    const reaction = fetchReaction(code)
    // What was fetched ahead is still good, and a follower may only be behind: the position is lost when neither explains it.
    const isLost = reaction === 'reset' && p.nearer === null && p.bufferedBytes === 0
    p.nearer = null
    if (isLost) this.#options.onOutOfRange(p, `offset ${offset} is out of range`)
    else this.#pause(p)
    if (reaction === 'fail') this.#options.trouble.fail(error)
    else if (reaction !== 'reset') this.#options.trouble.met(`partition ${p.key}`, error, true)
    if (reaction === 'refresh') this.#refresh()
  }

  #pause(p: AssignedPartition): void {
    p.notBefore = this.#options.cluster.clock.monotonic() + retryPauseMs
    this.#pumpAt(p.notBefore)
  }

  #refresh(): void {
    this.#options.cluster.refresh().then(
      () => this.#refreshed(),
      error => this.#refreshFailed(error),
    )
  }

  #refreshed(): void {
    this.#options.trouble.passed('metadata')
    this.pump()
  }

  #refreshFailed(error: unknown): void {
    if (this.#isClosed) return
    this.#options.trouble.met('metadata', error)
    this.#pumpAt(this.#options.cluster.clock.monotonic() + retryPauseMs)
  }

  #pumpAt(moment: number): void {
    if (this.#isClosed || moment >= this.#laterAt) return
    this.#later?.cancel()
    const { clock } = this.#options.cluster
    this.#laterAt = moment
    const wait = Math.max(0, moment - clock.monotonic())
    const fire = () => {
      this.#laterAt = Number.POSITIVE_INFINITY
      this.pump()
    }
    this.#later = clock.timer(wait, fire)
  }
}
