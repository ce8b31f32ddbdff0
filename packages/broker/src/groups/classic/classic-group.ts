import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { CommittedOffset } from '../committed-offset.ts'
import type { CommitClaim, CoordinatedGroup } from '../group-types.ts'
import type { Group } from './group.ts'
import { subscribedTopics } from './subscribed-topics.ts'

/** A classic group, as the parts common to all kinds see it. */
export class ClassicGroup implements CoordinatedGroup {
  readonly type = 'classic'
  readonly admitCommit: (claim: CommitClaim) => ErrorCode
  readonly #group: Group
  #topics: ReadonlySet<string> | null | undefined

  constructor(group: Group, admitCommit: (claim: CommitClaim) => ErrorCode) {
    this.#group = group
    this.admitCommit = admitCommit
  }

  get id(): string {
    return this.#group.id
  }

  get state(): string {
    return this.#group.state
  }

  get protocolType(): string {
    return this.#group.protocolType ?? ''
  }

  get isAbandoned(): boolean {
    return this.#group.state === 'Empty' && this.#group.pending.size === 0
  }

  admitFetch(): ErrorCode {
    return ErrorCodes.NONE
  }

  admitOffsetDelete(): ErrorCode {
    const { state, protocolType } = this.#group
    if (state === 'Dead') return ErrorCodes.GROUP_ID_NOT_FOUND
    return state !== 'Empty' && protocolType !== 'consumer' ? ErrorCodes.NON_EMPTY_GROUP : ErrorCodes.NONE
  }

  /** Members that say something unreadable may subscribe to everything. */
  isSubscribedTo(topic: string): boolean {
    if (this.#topics === undefined) this.#topics = subscribedTopics(this.#group)
    return this.#topics?.has(topic) ?? true
  }

  /**
   * In an Empty group, from when it became empty (or from a later commit); in a group of consumers that works, from the commit; in a
   * group that never had members, from the commit.
   */
  retainedFrom({ commitTimestamp }: CommittedOffset): number | null {
    const { state, protocolType, stateSince } = this.#group
    if (state === 'Empty') {
      const countsFromCommit = protocolType === null || stateSince < 0
      return countsFromCommit ? commitTimestamp : Math.max(stateSince, commitTimestamp)
    }
    return state === 'Stable' && protocolType === 'consumer' ? commitTimestamp : null
  }
}
