import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { CommittedOffset, Place } from '../committed-offset.ts'
import type { CommitClaim, CoordinatedGroup, FetchClaim } from '../group-types.ts'
import type { TopicsView } from '../topics-view.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './consumer-member.ts'
import { allSubscribedNames } from './subscription.ts'

const { GROUP_ID_NOT_FOUND, ILLEGAL_GENERATION, NONE, STALE_MEMBER_EPOCH, UNKNOWN_MEMBER_ID, UNSUPPORTED_VERSION } =
  ErrorCodes

/** A consumer group, as the parts common to all kinds see it. */
export class CoordinatedConsumerGroup implements CoordinatedGroup {
  readonly type = 'consumer'
  readonly protocolType = 'consumer'
  readonly #group: ConsumerGroup
  readonly #topics: TopicsView
  #names: ReadonlySet<string> | undefined

  constructor(group: ConsumerGroup, topics: TopicsView) {
    this.#group = group
    this.#topics = topics
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
   * Without members anybody may commit. A member that has not yet heard of its newest epoch may, too, for partitions it has had since
   * (KIP-1251): others it may have lost meanwhile.
   */
  admitCommit({ memberId, generation, isTransactional, apiVersion }: CommitClaim, places: readonly Place[]): ErrorCode {
    const { members } = this.#group
    if (generation < 0 && members.size === 0) return NONE
    const member = members.get(memberId)
    if (member === undefined) return UNKNOWN_MEMBER_ID
    if (!isTransactional && member.details.classic === null && apiVersion < 9) return UNSUPPORTED_VERSION
    const hasHadThemAll = () => places.every(place => this.#hasSince(member, place) <= generation)
    return generation < member.current.epoch && hasHadThemAll() ? NONE : admitEpoch(member, generation)
  }

  admitFetch({ memberId, memberEpoch }: FetchClaim): ErrorCode {
    if (memberId === null && memberEpoch < 0) return NONE
    const member = this.#group.members.get(memberId ?? '')
    return member ? admitEpoch(member, memberEpoch) : UNKNOWN_MEMBER_ID
  }

  #hasSince({ current }: ConsumerMember, { topic, partition }: Place): number {
    const id = this.#topics.named(topic)?.id ?? ''
    return current.assigned.get(id)?.get(partition) ?? current.revoking.get(id)?.get(partition) ?? Infinity
  }

  isSubscribedTo(topic: string): boolean {
    this.#names ??= allSubscribedNames(this.#group)
    return this.#names.has(topic)
  }

  admitOffsetDelete(): ErrorCode {
    return NONE
  }

  retainedFrom({ commitTimestamp }: CommittedOffset): number {
    return commitTimestamp
  }
}

function admitEpoch({ current, details }: ConsumerMember, epoch: number): ErrorCode {
  if (epoch === current.epoch) return NONE
  return details.classic === null ? STALE_MEMBER_EPOCH : ILLEGAL_GENERATION
}

/** A group on its way from one kind to another: nobody may say anything about it for the moment. */
export class ChangingGroup implements CoordinatedGroup {
  readonly type = 'consumer'
  readonly protocolType = 'consumer'
  readonly state = 'Assigning'
  readonly isAbandoned = false
  readonly id: string

  constructor(id: string) {
    this.id = id
  }

  admitCommit(): ErrorCode {
    return ErrorCodes.COORDINATOR_NOT_AVAILABLE
  }

  admitFetch(): ErrorCode {
    return NONE
  }

  isSubscribedTo(): boolean {
    return true
  }

  admitOffsetDelete(): ErrorCode {
    return GROUP_ID_NOT_FOUND
  }

  retainedFrom(): null {
    return null
  }
}
