import type { PartitionId, Uuid } from '@odradek/log'
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { TopicPartition } from '../cluster-store/cluster-store.ts'
import { DeadlineTimer } from '../deadline-timer.ts'
import type { BrokerParts } from '../handler.ts'
import { SharePartition, type SharePartitionParts, type ShareStateLog } from './share-partition.ts'
import { type ShareSession, ShareSessions } from './share-sessions.ts'
import type { ShareSettings } from './share-settings.ts'
import {
  isShareKey,
  type SharePartitionName,
  type ShareStateRecord,
  type StoredProgress,
  shareKey,
} from './share-state-records.ts'

export interface SharePartitionsOptions extends Pick<BrokerParts, 'clock' | 'engine' | 'cluster' | 'logger'> {
  readonly log: ShareStateLog
  readonly settings: (groupId: string) => ShareSettings
  /** Is the partition one whose progress the group keeps? */
  readonly isKept: (name: SharePartitionName) => boolean
  readonly died: SharePartitionParts['died']
  readonly leaderOf: (partition: PartitionId) => number
}

/** Everything that share groups have under way in this process, and what is durable of it. */
export class SharePartitions {
  readonly sessions = new ShareSessions()
  readonly log: ShareStateLog
  readonly #o: SharePartitionsOptions
  readonly #parts: SharePartitionParts
  readonly #byGroup = new Map<string, Map<string, SharePartition>>()
  readonly #timer: DeadlineTimer
  #isClosed = false

  constructor(options: SharePartitionsOptions) {
    this.#o = options
    this.log = options.log
    this.#timer = new DeadlineTimer(options.clock, {
      earliest: () => this.#all().reduce((earliest, partition) => Math.min(earliest, partition.nextExpiry()), Infinity),
      expire: () => this.#each(partition => partition.expire()),
      postpone: ms => this.#each(partition => partition.postpone(ms)),
    })
    this.#parts = { ...options, locked: until => this.#timer.announce(until) }
  }

  async load(): Promise<void> {
    await this.log.load()
    // A topic may have been deleted in the moment of a crash, before the progress in it was.
    await this.#forget(({ topicId }) => this.#o.cluster.topicById(topicId) === undefined)
  }

  settings(groupId: string): ShareSettings {
    return this.#o.settings(groupId)
  }

  /** As a group reads it; an error code when it does not. */
  find(groupId: string, { topic, index, id }: TopicPartition): SharePartition | ErrorCode {
    const name = { groupId, topicId: topic.id, index }
    const key = shareKey(name)
    const found = this.#byGroup.get(groupId)?.get(key)
    if (found) return found
    if (!this.#o.isKept(name)) return ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION
    let group = this.#byGroup.get(groupId)
    if (!group) this.#byGroup.set(groupId, (group = new Map()))
    const made = new SharePartition(name, id, this.#parts)
    group.set(key, made)
    return made
  }

  /** Why nothing can be said about a share-partition now; NONE when something can. */
  obstacle(key: string): ErrorCode {
    if (!isShareKey(key)) return ErrorCodes.INVALID_REQUEST
    return this.log.isReadable(key) ? ErrorCodes.NONE : ErrorCodes.COORDINATOR_NOT_AVAILABLE
  }

  /** What is durable of a group's progress. */
  progress(name: SharePartitionName): StoredProgress | undefined {
    const key = shareKey(name)
    return this.log.image(key).progress(key)
  }

  /** The session's member has nothing acquired any more of what its node leads; with other nodes it may talk on. */
  closeSession(session: ShareSession): void {
    if (!this.sessions.close(session) || this.#isClosed) return
    const { groupId, memberId, nodeId } = session
    for (const share of this.#byGroup.get(groupId)?.values() ?? [])
      if (this.#o.leaderOf(share.partition) === nodeId) share.release(memberId)
  }

  memberGone(groupId: string, memberId: string): void {
    for (const session of this.sessions.ofMember(groupId, memberId)) this.closeSession(session)
    for (const partition of this.#byGroup.get(groupId)?.values() ?? []) partition.release(memberId)
  }

  /** Begins anew, at these offsets; whatever is under way is over. */
  async setStart(name: SharePartitionName, startOffset: number): Promise<ErrorCode> {
    this.#drop(name)
    const now = this.#o.clock.now()
    const key = shareKey(name)
    return this.log.write(key, image => {
      const before = image.progress(key)
      const progress: StoredProgress = {
        startOffset,
        deliveryCompleteCount: 0,
        batches: [],
        snapshotEpoch: (before?.snapshotEpoch ?? -1) + 1,
        stateEpoch: (before?.stateEpoch ?? -1) + 1,
        leaderEpoch: this.#o.cluster.leaderEpoch,
        createTimestamp: before?.createTimestamp ?? now,
        writeTimestamp: now,
      }
      return [{ name, progress }]
    })
  }

  forgetGroup(groupId: string): Promise<ErrorCode> {
    return this.#forget(name => name.groupId === groupId)
  }

  /** Of one group, or of all. */
  forgetTopic(topicId: Uuid, groupId?: string): Promise<ErrorCode> {
    return this.#forget(name => name.topicId === topicId && (groupId === undefined || name.groupId === groupId))
  }

  /** Nothing is released and no lock ends any more: a restart makes all that is acquired available. */
  close(): void {
    this.#isClosed = true
    this.#timer.close()
  }

  async #forget(isGone: (name: SharePartitionName) => boolean): Promise<ErrorCode> {
    const names = new Map<string, SharePartitionName>()
    for (const { name } of this.#all()) if (isGone(name)) names.set(shareKey(name), name)
    for (const image of this.log.images())
      for (const name of image.names()) if (isGone(name)) names.set(shareKey(name), name)
    const errors = Array.from(names, ([key, name]) => {
      this.#drop(name)
      const gone: ShareStateRecord = { name, progress: null }
      return this.log.write(key, image => (image.progress(key) ? [gone] : []))
    })
    return (await Promise.all(errors)).find(error => error !== ErrorCodes.NONE) ?? ErrorCodes.NONE
  }

  #drop(name: SharePartitionName): void {
    const group = this.#byGroup.get(name.groupId)
    group?.get(shareKey(name))?.close()
    group?.delete(shareKey(name))
    if (group?.size === 0) this.#byGroup.delete(name.groupId)
  }

  #each(act: (partition: SharePartition) => void): void {
    for (const partition of this.#all()) act(partition)
  }

  *#all(): Generator<SharePartition> {
    for (const group of this.#byGroup.values()) yield* group.values()
  }
}
