/**
 * Commits offsets for the group, one request after the other so that none overtakes another.
 *
 * - Never backwards: an offset below one committed before is left out, until `forget` (the partition went away, or somebody sought).
 * - A rebalance is waited out: offsets of partitions we keep are committed in the generation, or epoch, that follows.
 * - A partition that is gone from the cluster is left out, once fresh metadata has said so; the others are committed.
 * - A generation that has passed without us is final: the partitions are somebody else's now.
 */
import { ErrorCodes, errorByCode, noId, OffsetCommit, ProtocolError } from '@odradek/protocol'
import { sleep } from '@odradek/world'
import { abandonable } from '../cluster/abandon.ts'
import { backoffMs } from '../cluster/backoff.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { TopicId } from '../cluster/metadata.ts'
import { recoveryOf } from '../cluster/recovery.ts'
import { commitChannel, troubleChannel } from './diagnostics.ts'
import type { OffsetToCommit } from './engine.ts'
import { callCoordinator, forgetIfMoved } from './group-call.ts'
import type { MemberSession } from './member-session.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'

export interface OffsetCommitsOptions {
  readonly cluster: Cluster
  readonly groupId: string
  readonly groupInstanceId: string | null
  /** Undefined for a group that only stores offsets: partitions were assigned by hand. */
  readonly session: () => MemberSession | undefined
  readonly isAssigned: (at: TopicPartition) => boolean
  readonly timeoutMs: number
}

interface Refusal {
  readonly at: OffsetToCommit
  readonly code: number
  /** As it was sent. */
  readonly topicId: TopicId
}

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
    return abandonable(done, signal) // which may still wait for its turn
  }

  forget(at: TopicPartition): void {
    this.#committed.delete(keyOf(at))
  }

  #losses(): number {
    return this.#options.session()?.standing.losses ?? 0
  }

  async #commit(offsets: readonly OffsetToCommit[], losses: number, signal?: AbortSignal): Promise<void> {
    const { cluster, timeoutMs } = this.#options
    const deadline = cluster.clock.monotonic() + timeoutMs
    let left: readonly OffsetToCommit[] = offsets.filter(at => at.offset >= (this.#committed.get(keyOf(at)) ?? 0))
    for (let failures = 1; left.length > 0; failures++) {
      signal?.throwIfAborted()
      const isLast = cluster.clock.monotonic() >= deadline
      // Once the partitions were lost, being a member again does not make them ours.
      if (this.#losses() !== losses) throw moved(ErrorCodes.ILLEGAL_GENERATION, undefined)
      left = await this.#attempt(left, isLast, signal)
      if (left.length > 0) await sleep(cluster.clock, backoffMs(failures, cluster.random, cluster.backoff), signal)
    }
  }

  /** What is left to commit after it. */
  async #attempt(
    offsets: readonly OffsetToCommit[],
    isLast: boolean,
    signal?: AbortSignal,
  ): Promise<readonly OffsetToCommit[]> {
    const identity = this.#identity()
    try {
      const refusals = await this.#send(offsets, identity, signal)
      const refused = new Set(refusals.map(({ at }) => at))
      this.#accepted(offsets.filter(at => !refused.has(at)))
      const other = refusals.find(({ code }) => !isUnknown(code))
      if (other && !this.#mayRetry(other.code, identity)) throw refusalOf(other)
      const left = await this.#withoutGone(refusals, signal)
      if (isLast && left.length > 0) throw refusalOf(left[0]!)
      return left.map(({ at }) => at)
    } catch (error) {
      if (isLast || error instanceof ProtocolError || recoveryOf(error) === 'give-up') throw error
      return offsets
    }
  }

  #accepted(offsets: readonly OffsetToCommit[]): void {
    for (const at of offsets) this.#committed.set(keyOf(at), at.offset)
    if (offsets.length > 0 && commitChannel.hasSubscribers)
      commitChannel.publish({ group: this.#options.groupId, offsets })
  }

  /** Without the partitions that the cluster no longer has, or has made anew: nobody will go on from those offsets. */
  async #withoutGone(refusals: readonly Refusal[], signal?: AbortSignal): Promise<readonly Refusal[]> {
    const unknown = refusals.filter(({ code }) => isUnknown(code))
    if (unknown.length === 0) return refusals
    const { cluster, groupId, isAssigned } = this.#options
    const names = [...new Set(unknown.map(({ at }) => at.topic))]
    const { topics, failed } = await cluster.describe(names, { signal })
    const isGone = ({ at, topicId }: Refusal): boolean => {
      if (isUnknown(failed.get(at.topic) ?? 0)) return true
      const now = topics.find(({ name }) => name === at.topic)
      if (!now) return false
      return at.partition >= now.partitions.length || (topicId !== noId && topicId !== now.topicId)
    }
    const gone = new Set(unknown.filter(isGone))
    for (const refusal of gone) {
      const error = refusalOf(refusal)
      // Of what is read here there is nothing more to commit; a place that was never read is a mistake of the caller.
      if (!isAssigned(refusal.at)) throw error
      if (troubleChannel.hasSubscribers) troubleChannel.publish({ group: groupId, source: 'commit', error })
    }
    return refusals.filter(refusal => !gone.has(refusal))
  }

  #identity(): Identity {
    const session = this.#options.session()
    if (!session) return noMember
    const { memberId, generation, isLost } = session.standing
    // Without a generation the broker might take us for somebody who only stores offsets.
    if (generation < 0 || isLost) throw moved(ErrorCodes.ILLEGAL_GENERATION, undefined)
    return { memberId, generation }
  }

  #mayRetry(code: number, identity: Identity): boolean {
    const session = this.#options.session()
    forgetIfMoved(this.#options.cluster, this.#options.groupId, code)
    const isJoining = session?.standing.isJoining === true
    session?.refused(code, identity.generation)
    if (code === ErrorCodes.REBALANCE_IN_PROGRESS) return session !== undefined
    // The group has gone on with us in it: the answer to a heartbeat brings the new epoch.
    if (code === ErrorCodes.STALE_MEMBER_EPOCH) return session !== undefined && !session.standing.isLost
    if (code !== ErrorCodes.ILLEGAL_GENERATION && code !== ErrorCodes.UNKNOWN_MEMBER_ID)
      return errorByCode(code).retriable
    // The answer may be about a generation that we have left meanwhile, or are about to leave, for a newer one.
    const now = session?.standing
    return now !== undefined && !now.isLost && (isJoining || now.generation > identity.generation)
  }

  async #send(
    offsets: readonly OffsetToCommit[],
    identity: Identity,
    signal?: AbortSignal,
  ): Promise<readonly Refusal[]> {
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
    const refusals: Refusal[] = []
    for (const { name, topicId: id, partitions } of response.topics) {
      const asked = topics.find(topic => (name ? topic.name === name : topic.topicId === id))
      for (const { partitionIndex, errorCode: code } of partitions) {
        if (code === 0) continue
        const at = offsets.find(({ topic, partition }) => topic === asked?.name && partition === partitionIndex)
        const topicId = maxVersion === undefined && asked ? asked.topicId : noId
        refusals.push({ at: at ?? offsets[0]!, code, topicId }) // an answer nobody asked for is no success either
      }
    }
    return refusals
  }
}

const gone: ReadonlySet<number> = new Set([
  ErrorCodes.ILLEGAL_GENERATION,
  ErrorCodes.UNKNOWN_MEMBER_ID,
  ErrorCodes.FENCED_INSTANCE_ID,
  ErrorCodes.FENCED_MEMBER_EPOCH,
])

function isUnknown(code: number): boolean {
  return code === ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION || code === ErrorCodes.UNKNOWN_TOPIC_ID
}

function refusalOf({ at, code }: Refusal): ProtocolError {
  return moved(code, at.topic, at.partition)
}

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
