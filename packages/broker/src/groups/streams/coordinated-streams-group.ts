import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { CommittedOffset } from '../committed-offset.ts'
import type { CommitClaim, CoordinatedGroup, FetchClaim } from '../group-types.ts'
import type { StreamsGroup } from './streams-group.ts'
import { topicsRead } from './topology.ts'

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

  /** Members of an epoch gone by may have lost the tasks they commit for. Without members anybody may. */
  admitCommit({ memberId, instanceId, generation, isTransactional, apiVersion }: CommitClaim): ErrorCode {
    const { members } = this.#group
    if (generation < 0 && members.size === 0) return NONE
    // A producer of a time before members were named.
    if (isTransactional && generation === -1 && memberId === '' && instanceId === null) return NONE
    const member = members.get(memberId)
    if (member === undefined) return UNKNOWN_MEMBER_ID
    if (!isTransactional && apiVersion < 9) return UNSUPPORTED_VERSION
    return generation === member.current.epoch ? NONE : STALE_MEMBER_EPOCH
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
