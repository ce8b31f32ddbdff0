import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { CommittedOffset, Place } from '../committed-offset.ts'
import type { CommitClaim, CoordinatedGroup, FetchClaim } from '../group-types.ts'
import type { StreamsGroup } from './streams-group.ts'
import type { StreamsMember } from './streams-member.ts'
import { taskKey } from './tasks.ts'
import { topicsRead, topicsReadBy } from './topology.ts'

const { NONE, STALE_MEMBER_EPOCH, UNKNOWN_MEMBER_ID, UNSUPPORTED_VERSION } = ErrorCodes

/** A streams group, as the parts common to all kinds see it. */
export class CoordinatedStreamsGroup implements CoordinatedGroup {
  readonly type = 'streams'
  readonly protocolType = 'streams'
  readonly #group: StreamsGroup
  #names: ReadonlySet<string> | undefined

  constructor(group: StreamsGroup) {
    this.#group = group
  }

  get id(): string {
    return this.#group.id
  }

  get state(): string {
    return this.#group.state
  }

  get isAbandoned(): boolean {
    return this.#group.members.size === 0
  }

  /**
   * Without members anybody may commit. A member that has not yet heard of its newest epoch may, too, for tasks it has had since
   * (KIP-1251): others it may have lost meanwhile.
   */
  admitCommit(
    { memberId, instanceId, generation, isTransactional, apiVersion }: CommitClaim,
    places: readonly Place[],
  ): ErrorCode {
    const { members } = this.#group
    if (generation < 0 && members.size === 0) return NONE
    // A producer of a time before members were named.
    if (isTransactional && generation === -1 && memberId === '' && instanceId === null) return NONE
    const member = members.get(memberId)
    if (member === undefined) return UNKNOWN_MEMBER_ID
    if (!isTransactional && apiVersion < 9) return UNSUPPORTED_VERSION
    const { epoch } = member.current
    const hasHadThemAll = () => places.every(place => this.#hasSince(member, place) <= generation)
    return generation === epoch || (generation < epoch && hasHadThemAll()) ? NONE : STALE_MEMBER_EPOCH
  }

  #hasSince({ current }: StreamsMember, { topic, partition }: Place): number {
    const reader = this.#group.topology?.subtopologies.find(subtopology => topicsReadBy(subtopology).includes(topic))
    if (reader === undefined) return Infinity
    const key = taskKey('active', reader.subtopologyId)
    return current.assigned.get(key)?.get(partition) ?? current.revoking.get(key)?.get(partition) ?? Infinity
  }

  admitFetch({ memberId, memberEpoch }: FetchClaim): ErrorCode {
    if (memberId === null && memberEpoch < 0) return NONE
    const member = this.#group.members.get(memberId ?? '')
    if (member === undefined) return UNKNOWN_MEMBER_ID
    return memberEpoch === member.current.epoch ? NONE : STALE_MEMBER_EPOCH
  }

  isSubscribedTo(topic: string): boolean {
    const { members, topology } = this.#group
    if (members.size === 0 || topology === null) return false
    this.#names ??= topicsRead(topology)
    return this.#names.has(topic)
  }

  admitOffsetDelete(): ErrorCode {
    return NONE
  }

  retainedFrom({ commitTimestamp }: CommittedOffset): number {
    return commitTimestamp
  }
}
