/**
 * Commits offsets for the group, one request after the other so that none overtakes another.
 *
 * - Never backwards: an offset below one committed before is left out, until `forget` (the partition went away, or somebody sought).
 * - A rebalance is waited out: offsets of partitions we keep are committed in the generation that follows.
 * - A generation that has passed without us is final: the partitions are somebody else's now.
 */
import { ErrorCodes, errorByCode, noId, OffsetCommit, ProtocolError } from '@odradek/protocol'
import { sleep } from '@odradek/world'
import { backoffMs } from '../cluster/backoff.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { recoveryOf } from '../cluster/recovery.ts'
import { commitChannel } from './diagnostics.ts'
import type { OffsetToCommit } from './engine.ts'
import { callCoordinator, forgetIfMoved } from './group-call.ts'
import type { GroupSession } from './group-session.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'

export interface OffsetCommitsOptions {
  readonly cluster: Cluster
  readonly groupId: string
  readonly groupInstanceId: string | null
  /** Undefined for a group that only stores offsets: partitions were assigned by hand. */
  readonly session: () => GroupSession | undefined
  readonly timeoutMs: number
}

type Outcome = 'done' | 'retry'

interface Identity {
  readonly memberId: string
  readonly generation: number
}

const noMember: Identity = { memberId: '', generation: -1 }
const withoutIds = 9

export class OffsetCommits {
  readonly #options: OffsetCommitsOptions
  readonly #committed = new Map<string, number>()
  #last: Promise<void> = Promise.resolve()

  constructor(options: OffsetCommitsOptions) {
    this.#options = options
  }

  commit(offsets: readonly OffsetToCommit[], signal?: AbortSignal): Promise<void> {
    const losses = this.#losses()
    const run = () => this.#commit(offsets, losses, signal)
    const done = this.#last.then(run, run)
    this.#last = done.catch(() => {})
    return done
  }

  forget(at: TopicPartition): void {
    this.#committed.delete(keyOf(at))
  }

  #losses(): number {
    return this.#options.session()?.membership.losses ?? 0
  }

  async #commit(offsets: readonly OffsetToCommit[], losses: number, signal?: AbortSignal): Promise<void> {
    const forward = offsets.filter(at => at.offset >= (this.#committed.get(keyOf(at)) ?? 0))
    if (forward.length === 0) return
    const { cluster, groupId, timeoutMs } = this.#options
    const deadline = cluster.clock.monotonic() + timeoutMs
    for (let failures = 1; ; failures++) {
      signal?.throwIfAborted()
      const isLast = cluster.clock.monotonic() >= deadline
      // Once the partitions were lost, being a member again does not make them ours.
      if (this.#losses() !== losses) throw moved(ErrorCodes.ILLEGAL_GENERATION, undefined)
      if ((await this.#attempt(forward, isLast, signal)) === 'done') break
      await sleep(cluster.clock, backoffMs(failures, cluster.random, cluster.backoff), signal)
    }
    for (const at of forward) this.#committed.set(keyOf(at), at.offset)
    if (commitChannel.hasSubscribers) commitChannel.publish({ group: groupId, offsets: forward })
  }

  async #attempt(offsets: readonly OffsetToCommit[], isLast: boolean, signal?: AbortSignal): Promise<Outcome> {
    const identity = this.#identity()
    try {
      const refused = await this.#send(offsets, identity, signal)
      if (refused === undefined) return 'done'
      if (isLast || !this.#mayRetry(refused.errorCode, identity)) throw refused
    } catch (error) {
      if (isLast || error instanceof ProtocolError || recoveryOf(error) === 'give-up') throw error
    }
    return 'retry'
  }

  #identity(): Identity {
    const session = this.#options.session()
    if (!session) return noMember
    const { memberId, generation, isLost } = session.membership
    // Without a generation the broker might take us for somebody who only stores offsets.
    if (generation < 0 || isLost) throw moved(ErrorCodes.ILLEGAL_GENERATION, undefined)
    return { memberId, generation }
  }

  #mayRetry(code: number, identity: Identity): boolean {
    const session = this.#options.session()
    forgetIfMoved(this.#options.cluster, this.#options.groupId, code)
    const isJoining = session?.membership.phase === 'joining'
    session?.refused(code, identity.generation)
    if (code === ErrorCodes.REBALANCE_IN_PROGRESS) return session !== undefined
    if (code !== ErrorCodes.ILLEGAL_GENERATION && code !== ErrorCodes.UNKNOWN_MEMBER_ID)
      return errorByCode(code).retriable
    // The answer may be about a generation that we have left meanwhile, or are about to leave, for a newer one.
    const now = session?.membership
    return now !== undefined && !now.isLost && (isJoining || now.generation > identity.generation)
  }

  /** The first error, if any. */
  async #send(
    offsets: readonly OffsetToCommit[],
    identity: Identity,
    signal?: AbortSignal,
  ): Promise<ProtocolError | undefined> {
    const { cluster, groupId, groupInstanceId } = this.#options
    const topics = Array.from(
      Map.groupBy(offsets, at => at.topic),
      ([name, some]) => ({
        name,
        topicId: cluster.topic(name)?.topicId ?? noId,
        partitions: some.map(({ partition, offset, leaderEpoch, metadata }) => ({
          partitionIndex: partition,
          committedOffset: offset,
          committedLeaderEpoch: leaderEpoch ?? -1,
          committedMetadata: metadata ?? '',
        })),
      }),
    )
    const member = { memberId: identity.memberId, generationIdOrMemberEpoch: identity.generation }
    const request = { groupId, groupInstanceId: identity === noMember ? null : groupInstanceId, ...member, topics }
    const maxVersion = topics.some(({ topicId }) => topicId === noId) ? withoutIds : undefined
    const response = await callCoordinator(cluster, groupId, OffsetCommit, request, { signal, maxVersion })
    for (const { name, topicId, partitions } of response.topics) {
      const topic = name || topics.find(t => t.topicId === topicId)?.name
      const refused = partitions.find(({ errorCode }) => errorCode !== 0)
      if (refused) return moved(refused.errorCode, topic, refused.partitionIndex)
    }
    return undefined
  }
}

const gone: ReadonlySet<number> = new Set([
  ErrorCodes.ILLEGAL_GENERATION,
  ErrorCodes.UNKNOWN_MEMBER_ID,
  ErrorCodes.FENCED_INSTANCE_ID,
])

function moved(code: number, topic: string | undefined, partition?: number): ProtocolError {
  const message = gone.has(code)
    ? 'the group has gone on without this consumer and its partitions may be processed by another; what was not committed will be processed again'
    : null
  return new ProtocolError(code, {
    api: OffsetCommit.name,
    message,
    ...(topic !== undefined && { topic }),
    ...(partition !== undefined && { partition }),
  })
}
