/**
 * Finds out where partitions are: asks the group for committed offsets, brokers for the offsets of timestamps, and new leaders
 * whether they still have what was read from the old ones. One round of questions at a time, until nobody needs anything.
 */
import { ErrorCodes, KafkaError, ProtocolError } from '@odradek/protocol'
import { sleep } from '@odradek/world'
import type { Cluster } from '../cluster/cluster.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { resetChannel } from './diagnostics.ts'
import type { EngineHooks, StartPosition } from './engine.ts'
import { fetchReaction } from './fetch-errors.ts'
import type { MemberSession } from './member-session.ts'
import type { FoundOffset, OffsetQueries } from './offset-queries.ts'
import { resetOf, startOf } from './start-position.ts'
import type { Trouble } from './trouble.ts'

export interface PositionFinderOptions {
  readonly cluster: Cluster
  readonly queries: OffsetQueries
  readonly trouble: Trouble
  readonly groupId: string | undefined
  readonly from: StartPosition
  readonly hooks: EngineHooks
  readonly partitions: () => Iterable<AssignedPartition>
  readonly session: () => MemberSession | undefined
  /** A partition can be fetched now. */
  readonly onPlaced: () => void
}

const pauseMs = 100

const membershipCodes: ReadonlySet<number> = new Set([
  ErrorCodes.STALE_MEMBER_EPOCH,
  ErrorCodes.UNKNOWN_MEMBER_ID,
  ErrorCodes.FENCED_MEMBER_EPOCH,
])

export class PositionFinder {
  readonly #options: PositionFinderOptions
  readonly #closing = new AbortController()
  #isRunning = false

  constructor(options: PositionFinderOptions) {
    this.#options = options
  }

  /** To be called when a partition has got a need. */
  wake(): void {
    if (this.#isRunning || this.#closing.signal.aborted) return
    this.#isRunning = true
    this.#run()
      .catch(error => {
        if (!this.#closing.signal.aborted) this.#options.trouble.fail(error)
      })
      .finally(() => {
        this.#isRunning = false
      })
  }

  close(): void {
    this.#closing.abort(new Error('closed'))
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    const { cluster, trouble, partitions, onPlaced } = this.#options
    for (;;) {
      const needy = [...partitions()].filter(p => p.need !== null)
      if (needy.length === 0) return trouble.passed('offsets')
      let calm = true
      try {
        calm = await this.#round(needy)
        if (calm) trouble.passed('offsets')
      } catch (error) {
        signal.throwIfAborted()
        trouble.met('offsets', error, this.#isPassing(error))
        calm = false
      }
      onPlaced()
      if (calm) continue
      await sleep(cluster.clock, pauseMs, signal)
      await cluster.refresh().catch(() => {}) // the next round says what is wrong
    }
  }

  /** What is retriable, and what the group says of a member that it has moved on without: heartbeats see to that. */
  #isPassing(error: unknown): boolean {
    if (!(error instanceof KafkaError)) return false
    const { offsetReader } = this.#options.session() ?? {}
    if (error instanceof ProtocolError && offsetReader && membershipCodes.has(error.errorCode)) {
      this.#options.session()?.refused(error.errorCode, offsetReader.memberEpoch)
      return true
    }
    return error.retriable
  }

  /** False: some question is still open, and worth a pause. */
  async #round(needy: readonly AssignedPartition[]): Promise<boolean> {
    const unknown = [...new Set(needy.map(p => p.topic))].filter(
      topic => this.#options.cluster.topic(topic) === undefined,
    )
    if (unknown.length > 0) await this.#options.cluster.describe(unknown, { signal: this.#closing.signal })
    await this.#fetchCommitted(needy.filter(p => p.need?.kind === 'committed'))
    const [starts, checks] = await Promise.all([
      this.#findStarts(needy.filter(p => p.need?.kind === 'start')),
      this.#validate(needy.filter(p => p.need?.kind === 'validation')),
    ])
    return starts && checks
  }

  async #fetchCommitted(needy: readonly AssignedPartition[]): Promise<void> {
    if (needy.length === 0) return
    const { queries, groupId, from, session } = this.#options
    const versions = needy.map(p => p.version)
    const reader = session()?.offsetReader ?? null
    const found = await queries.committed(groupId!, needy, this.#closing.signal, reader)
    needy.forEach((p, i) => {
      if (p.version !== versions[i] || p.need?.kind !== 'committed') return
      const committed = found[i]
      if (committed) {
        p.place(committed.offset, committed.leaderEpoch)
        if (this.#mayBeStale(p)) p.validate()
      } else p.lookFor({ kind: 'start', start: startOf(from, p), reason: 'nothing committed' })
    })
  }

  /** Nothing to check against without an epoch to ask for, or when it is still the leader's own. */
  #mayBeStale(p: AssignedPartition): boolean {
    const current = this.#options.cluster.topic(p.topic)?.partitions[p.partition]?.leaderEpoch ?? -1
    return p.positionEpoch >= 0 && current > p.positionEpoch
  }

  async #findStarts(needy: readonly AssignedPartition[]): Promise<boolean> {
    const asking: { p: AssignedPartition; version: number; timestamp: number; reason: string }[] = []
    for (const p of needy) {
      if (p.need?.kind !== 'start') continue
      const { start, reason } = p.need
      if (start === 'fail') throw noStart(p, reason)
      if ('offset' in start) this.#place(p, start.offset, -1, reason)
      else asking.push({ p, version: p.version, timestamp: start.timestamp, reason })
    }
    return this.#askLeaders(
      asking.map(({ p }) => p),
      (leader, some) => {
        const questions = some.map(p => {
          const { topic, partition } = p
          return { topic, partition, timestamp: asking.find(a => a.p === p)!.timestamp }
        })
        return this.#options.queries.offsetsFor(leader, questions, this.#closing.signal)
      },
      (p, found) => {
        const asked = asking.find(a => a.p === p)!
        if (p.version !== asked.version) return
        // Later than every record: begin with what comes.
        if (found.offset >= 0) this.#place(p, found.offset, found.leaderEpoch, asked.reason)
        else p.lookFor({ kind: 'start', start: startOf('latest', p), reason: asked.reason })
      },
    )
  }

  #place(p: AssignedPartition, offset: number, epoch: number, reason: string): void {
    p.place(offset, epoch)
    const { topic, partition } = p
    if (resetChannel.hasSubscribers) resetChannel.publish({ topic, partition, offset, reason })
  }

  async #validate(needy: readonly AssignedPartition[]): Promise<boolean> {
    const asked = new Map(needy.map(p => [p, { version: p.version, position: p.position }]))
    return this.#askLeaders(
      needy,
      (leader, some) => {
        const questions = some.map(p => ({ topic: p.topic, partition: p.partition, leaderEpoch: p.positionEpoch }))
        return this.#options.queries.endsOfEpochs(leader, questions, this.#closing.signal)
      },
      (p, found) => {
        const { version, position = -1 } = asked.get(p)!
        if (p.version !== version) return
        const current = this.#options.cluster.topic(p.topic)?.partitions[p.partition]?.leaderEpoch ?? -1
        // What was handed out meanwhile is of later epochs, perhaps, and begins where this one ended.
        const isTruncated = found.offset >= 0 && found.offset < position
        if (!isTruncated) return p.validated(current)
        this.#truncated(p, found)
        p.validated(current)
      },
    )
  }

  /** Asks all leaders at once. False: some partition has no leader, or its leader no answer yet. */
  async #askLeaders(
    needy: readonly AssignedPartition[],
    ask: (leader: number, some: readonly AssignedPartition[]) => Promise<FoundOffset[]>,
    answered: (p: AssignedPartition, found: FoundOffset) => void,
  ): Promise<boolean> {
    const { cluster, trouble } = this.#options
    const byLeader = Map.groupBy(needy, p => cluster.leaderOf(p.topic, p.partition))
    let calm = true
    const rounds = Array.from(byLeader, async ([leader, some]) => {
      if (leader < 0) {
        for (const p of some) trouble.met(`partition ${p.key}`, leaderless(p))
        calm = false
        return
      }
      for (const found of await ask(leader, some)) {
        const p = some.find(p => p.topic === found.topic && p.partition === found.partition)
        if (!p) continue
        if (found.errorCode === 0) {
          trouble.passed(`partition ${p.key}`)
          answered(p, found)
        } else {
          this.#refused(p, found.errorCode)
          calm = false
        }
      }
    })
    await Promise.all(rounds)
    return calm
  }

  #refused(p: AssignedPartition, code: number): void {
    const error = new ProtocolError(code, { api: 'ListOffsets', topic: p.topic, partition: p.partition })
    if (fetchReaction(code) === 'fail') throw error
    this.#options.trouble.met(`partition ${p.key}`, error, true)
  }

  #truncated(p: AssignedPartition, { offset, leaderEpoch }: FoundOffset): void {
    const reason = 'the log was truncated below the position'
    const from = this.#startAfter(p, reason, offset)
    if (from !== undefined) p.lookFor({ kind: 'start', start: resetOf(from, p), reason })
    else if (this.#options.from === 'fail') throw noStart(p, reason)
    else this.#place(p, offset, leaderEpoch, reason)
  }

  /** The position is gone: to where the owner or the configuration says. */
  reset(p: AssignedPartition, reason: string): void {
    try {
      const from = this.#startAfter(p, reason) ?? this.#options.from
      p.lookFor({ kind: 'start', start: resetOf(from, p), reason })
      this.wake()
    } catch (error) {
      this.#options.trouble.fail(error)
    }
  }

  #startAfter({ topic, partition }: AssignedPartition, reason: string, truncatedTo?: number) {
    const truncated = truncatedTo === undefined ? {} : { truncatedTo }
    return this.#options.hooks.onPositionLost?.({ topic, partition, reason, ...truncated })
  }
}

function leaderless({ topic, partition }: AssignedPartition): ProtocolError {
  return new ProtocolError(ErrorCodes.LEADER_NOT_AVAILABLE, { api: 'Metadata', topic, partition })
}

function noStart({ topic, partition }: AssignedPartition, reason: string): ProtocolError {
  const message = `${reason}, and the start position is 'fail': set \`from\`, or commit an offset for the group first`
  return new ProtocolError(ErrorCodes.OFFSET_OUT_OF_RANGE, { topic, partition, message })
}
