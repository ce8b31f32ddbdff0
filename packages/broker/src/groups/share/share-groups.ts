import type { Uuid } from '@odradek/log'
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { Clock } from '@odradek/world'
import type { Logger } from '../../logger.ts'
import { Deadlines } from '../deadlines.ts'
import type { GroupLog } from '../group-log.ts'
import type { CoordinatedGroup, GroupType } from '../group-types.ts'
import { emptyShareGroup, type ShareGroup, shareGroupState } from './share-group.ts'
import {
  type HeartbeatReply,
  heartbeatStep,
  leaveStep,
  refusal,
  type ShareHeartbeat,
  type ShareSurroundings,
} from './share-group-machine.ts'
import type { ShareImage } from './share-image.ts'
import { type ShareRecord, sharePart } from './share-records.ts'

export interface ShareMembershipSettings {
  /** share.session.timeout.ms */
  readonly sessionTimeoutMs: number
  /** share.heartbeat.interval.ms */
  readonly heartbeatIntervalMs: number
}

export interface ShareGroupsOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** group.share.max.size */
  readonly maxSize: () => number
  readonly settings: (groupId: string) => ShareMembershipSettings
  readonly topic: ShareSurroundings['topic']
  /** Whether a group of another kind has this id. */
  readonly isTaken: (groupId: string) => boolean
  /** A member is gone: what it had acquired is free. */
  readonly memberGone: (groupId: string, memberId: string) => void
  /** Forgets the progress of a group; it must not be there when another of its name comes. */
  readonly forgetProgress: (groupId: string) => Promise<ErrorCode>
}

/** Writes that fail are tried again after so long. */
const retryMs = 1000

/**
 * The share groups of this process: heartbeats and silences become steps of the machine, whose records are written before anybody is
 * answered. A heartbeat that changes nothing, as nearly all, costs no write.
 */
export class ShareGroups implements GroupType {
  readonly name = 'share'
  readonly #o: ShareGroupsOptions
  readonly #deadlines: Deadlines
  #log: GroupLog | null = null
  /** Groups that are being written, how often: what is durable is not their last word. */
  readonly #writing = new Map<string, number>()

  constructor(options: ShareGroupsOptions) {
    this.#o = options
    this.#deadlines = new Deadlines(options.clock, (groupId, memberId) => void this.#fellSilent(groupId, memberId))
  }

  load(log: GroupLog): void {
    this.#log = log
    for (const group of this.#groups()) for (const memberId of group.members.keys()) this.#heard(group.id, memberId)
  }

  async heartbeat(asked: ShareHeartbeat): Promise<HeartbeatReply> {
    const { groupId, memberId } = asked
    if (this.#o.isTaken(groupId))
      return refusal(ErrorCodes.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a share group.`)
    let { reply, records } = heartbeatStep(this.group(groupId), asked, this.#surroundings)
    if (this.#writing.has(groupId) || records.length > 0) {
      const error = await this.#write(groupId, image => {
        ;({ reply, records } = heartbeatStep(image.group(groupId), asked, this.#surroundings))
        return records
      })
      if (error !== ErrorCodes.NONE) return refusal(error, null)
    }
    if (reply.error !== ErrorCodes.NONE) return reply
    if (asked.memberEpoch === -1) this.#left(groupId, memberId)
    else this.#heard(groupId, memberId)
    return reply
  }

  heartbeatIntervalMs(groupId: string): number {
    return this.#o.settings(groupId).heartbeatIntervalMs
  }

  group(groupId: string): ShareGroup | undefined {
    return this.#log?.image(groupId).of(sharePart).group(groupId)
  }

  find(groupId: string): CoordinatedGroup | undefined {
    const group = this.group(groupId)
    // One that is about to come has its name already.
    if (!group) return this.#writing.has(groupId) ? coordinated(emptyShareGroup(groupId)) : undefined
    return coordinated(group)
  }

  *groups(): Iterable<CoordinatedGroup> {
    for (const group of this.#groups()) yield coordinated(group)
  }

  async delete(groupId: string): Promise<ErrorCode> {
    const group = this.group(groupId)
    if (!group) return ErrorCodes.GROUP_ID_NOT_FOUND
    if (group.members.size > 0) return ErrorCodes.NON_EMPTY_GROUP
    const forgotten = await this.#o.forgetProgress(groupId)
    if (forgotten !== ErrorCodes.NONE) return forgotten
    let isEmpty = true
    const error = await this.#log!.write(groupId, image => {
      isEmpty = image.of(sharePart).group(groupId)?.members.size === 0
      return isEmpty ? image.removal(groupId) : []
    })
    return isEmpty ? error : ErrorCodes.NON_EMPTY_GROUP
  }

  /** A group without members, unless its name is taken. */
  async make(groupId: string): Promise<ErrorCode> {
    if (this.#o.isTaken(groupId)) return ErrorCodes.GROUP_ID_NOT_FOUND
    return this.#write(groupId, image => {
      if (image.group(groupId)) return []
      return [{ kind: 'share', groupId, about: 'group', value: { epoch: 1, metadataHash: 0n } }]
    })
  }

  /** A topic is gone, and with it the progress of all groups in it. */
  async topicDeleted(topicId: Uuid): Promise<void> {
    for (const { id, kept } of [...this.#groups()]) if (kept.has(topicId)) await this.forgetTopic(id, topicId)
  }

  /** The group keeps no progress of this topic any more, until a member subscribes to it. */
  forgetTopic(groupId: string, topicId: Uuid): Promise<ErrorCode> {
    return this.#write(groupId, image => {
      const group = image.group(groupId)
      if (!group?.kept.has(topicId)) return []
      const kept = new Map(group.kept)
      kept.delete(topicId)
      return [{ kind: 'share', groupId, about: 'kept', value: kept }]
    })
  }

  /** The group keeps progress of these partitions, also when no member ever subscribed to their topic. */
  keep(groupId: string, topicId: Uuid, topicName: string, partitions: readonly number[]): Promise<ErrorCode> {
    return this.#write(groupId, image => {
      const group = image.group(groupId)
      const before = group?.kept.get(topicId)?.partitions ?? []
      if (!group || partitions.every(index => before.includes(index))) return []
      const all = [...new Set([...before, ...partitions])].sort((a, b) => a - b)
      const kept = new Map(group.kept).set(topicId, { topicName, partitions: all })
      return [{ kind: 'share', groupId, about: 'kept', value: kept }]
    })
  }

  close(): void {
    this.#deadlines.close()
  }

  get #surroundings(): ShareSurroundings {
    return { maxSize: this.#o.maxSize(), topic: this.#o.topic }
  }

  *#groups(): Iterable<ShareGroup> {
    for (const image of this.#log?.images() ?? []) {
      const shares = image.of(sharePart)
      for (const groupId of shares.groupIds()) yield shares.group(groupId)!
    }
  }

  async #write(groupId: string, records: (image: ShareImage) => readonly ShareRecord[]): Promise<ErrorCode> {
    const writing = (by: number): void => {
      const count = (this.#writing.get(groupId) ?? 0) + by
      if (count === 0) this.#writing.delete(groupId)
      else this.#writing.set(groupId, count)
    }
    writing(1)
    try {
      return await this.#log!.write(groupId, image => records(image.of(sharePart)))
    } catch (error) {
      this.#o.logger.error({ group: groupId, error }, 'a share group cannot be stored')
      return ErrorCodes.UNKNOWN_SERVER_ERROR
    } finally {
      writing(-1)
    }
  }

  #heard(groupId: string, memberId: string): void {
    this.#deadlines.set(groupId, memberId, this.#o.settings(groupId).sessionTimeoutMs)
  }

  #left(groupId: string, memberId: string): void {
    this.#deadlines.cancel(groupId, memberId)
    this.#o.memberGone(groupId, memberId)
  }

  async #fellSilent(groupId: string, memberId: string): Promise<void> {
    const error = await this.#write(groupId, image => {
      const group = image.group(groupId)
      return group?.members.has(memberId) ? leaveStep(group, memberId, this.#surroundings).records : []
    })
    if (error !== ErrorCodes.NONE) {
      this.#deadlines.set(groupId, memberId, retryMs)
      return
    }
    this.#o.logger.info({ group: groupId, member: memberId }, 'a member of a share group fell silent')
    this.#left(groupId, memberId)
  }
}

/** A share group commits no offsets, and has none. */
function coordinated(group: ShareGroup): CoordinatedGroup {
  return {
    id: group.id,
    type: 'share',
    state: shareGroupState(group),
    protocolType: 'share',
    admitCommit: () => ErrorCodes.GROUP_ID_NOT_FOUND,
    admitFetch: () => ErrorCodes.GROUP_ID_NOT_FOUND,
    isSubscribedTo: topic => [...group.members.values()].some(({ topics }) => topics.includes(topic)),
    admitOffsetDelete: () => ErrorCodes.GROUP_ID_NOT_FOUND,
    retainedFrom: () => null,
    isAbandoned: false,
  }
}
