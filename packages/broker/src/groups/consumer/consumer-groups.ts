/**
 * The coordinator of consumer groups (KIP-848): requests and deadlines become matters for the rules, which `Decisions` sees through. It
 * decides nothing itself.
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { Clock, Random } from '@odradek/world'
import { freshUuid } from '../../fresh-uuid.ts'
import type { Logger } from '../../logger.ts'
import { Refusal } from '../../refusal.ts'
import type { ClassicGroups } from '../classic/classic-groups.ts'
import type {
  Claim,
  Identity,
  JoinReply,
  LeaveReply,
  PlainReply,
  Reply,
  SyncEvent,
  SyncReply,
} from '../classic/group-event.ts'
import { refusedJoin, refusedSync } from '../classic/turn.ts'
import { Deadlines } from '../deadlines.ts'
import type { GroupLog } from '../group-log.ts'
import type { ClassicMembers, CoordinatedGroup, GroupType, JoinRequest, MaybeLater, Question } from '../group-types.ts'
import type { TopicsView } from '../topics-view.ts'
import { classicHeartbeat, join, leaveClassic, sync } from './classic-member.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { consumerPart } from './consumer-part.ts'
import type { ConsumerSettings } from './consumer-settings.ts'
import type { ConsumerDeadline, ConsumerTurn, DeadlineChange } from './consumer-turn.ts'
import { ChangingGroup, CoordinatedConsumerGroup } from './coordinated-consumer-group.ts'
import type { Matter } from './decision-round.ts'
import { Decisions } from './decisions.ts'
import { expired, heartbeat, leave } from './heartbeat.ts'
import { checkHeartbeat, type HeartbeatReply, type HeartbeatRequest } from './heartbeat-request.ts'

/** The answer is known as soon as it is decided. */
const atOnce =
  <T>(decide: (turn: ConsumerTurn) => T) =>
  (turn: ConsumerTurn): (() => T) => {
    const answer = decide(turn)
    return () => answer
  }

/** A member that could not be taken out, since nothing can be written, is tried again after so long. */
const retryMs = 1_000

export interface ConsumerGroupsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly log: GroupLog
  readonly classic: ClassicGroups
  readonly topics: TopicsView
  settingsOf(groupId: string): ConsumerSettings
  /** A group of whatever kind. */
  findAny(groupId: string): CoordinatedGroup | undefined
}

export class ConsumerGroups implements GroupType, ClassicMembers {
  readonly name = 'consumer'
  readonly #o: ConsumerGroupsOptions
  readonly #deadlines: Deadlines<ConsumerDeadline>
  readonly #decisions: Decisions

  constructor(options: ConsumerGroupsOptions) {
    this.#o = options
    this.#deadlines = new Deadlines(options.clock, (groupId, name) => this.#passed(groupId, name))
    const changeDeadline = (groupId: string, change: DeadlineChange) => this.#changeDeadline(groupId, change)
    this.#decisions = new Decisions({ ...options, changeDeadline })
  }

  get classicMembers(): ClassicMembers {
    return this
  }

  /** Members keep their epochs and assignments, and have a whole session to be heard of. */
  load(log: GroupLog): void {
    for (const image of log.images()) for (const group of image.of(consumerPart).groups()) this.#watch(group)
  }

  find(groupId: string): CoordinatedGroup | undefined {
    if (this.#decisions.isChanging(groupId)) return new ChangingGroup(groupId)
    const group = this.get(groupId)
    return group && new CoordinatedConsumerGroup(group, this.#o.topics)
  }

  *groups(): Iterable<CoordinatedGroup> {
    for (const image of this.#o.log.images())
      for (const group of image.of(consumerPart).groups()) yield new CoordinatedConsumerGroup(group, this.#o.topics)
  }

  /** What is durable of a group. Look, do not touch. */
  get(groupId: string): ConsumerGroup | undefined {
    return this.#o.log.image(groupId).of(consumerPart).group(groupId)
  }

  /** Throws a Refusal, now or later. */
  beat(asked: Omit<HeartbeatRequest, 'freshMemberId'>): MaybeLater<HeartbeatReply> {
    const request = { ...asked, freshMemberId: asked.memberId === '' ? freshUuid(this.#o.random) : '' }
    checkHeartbeat(request, this.#o.settingsOf(request.groupId))
    const { memberEpoch, groupId } = request
    if (memberEpoch < 0)
      return this.#decisions.ask(groupId, { decide: atOnce(turn => leave(turn, request)), isChange: true })
    const matter: Matter<HeartbeatReply> = { decide: turn => heartbeat(turn, request), assigns: true }
    return this.#decisions.ask(groupId, memberEpoch > 0 ? matter : { ...matter, joins: 'new', isChange: true })
  }

  join(groupId: string, request: JoinRequest): MaybeLater<JoinReply> {
    const freshMemberId = `${request.instanceId ?? request.clientId}-${freshUuid(this.#o.random)}`
    return this.#askClassic(groupId, refusedJoin(ErrorCodes.NONE), {
      decide: atOnce(turn => join(turn, request, freshMemberId)),
      ifClassic: () => this.#o.classic.join(groupId, request),
      joins: 'classic',
      isChange: true,
    })
  }

  sync(groupId: string, request: Question<SyncEvent>): MaybeLater<SyncReply> {
    return this.#askClassic(groupId, refusedSync(ErrorCodes.NONE), {
      decide: atOnce(turn => sync(turn, request)),
      ifClassic: () => this.#o.classic.sync(groupId, request),
    })
  }

  heartbeat(groupId: string, claim: Question<Claim>): MaybeLater<PlainReply> {
    const blank: PlainReply = { type: 'plain', error: ErrorCodes.NONE }
    return this.#askClassic(groupId, blank, {
      decide: atOnce(turn => classicHeartbeat(turn, claim)),
      ifClassic: () => this.#o.classic.heartbeat(groupId, claim),
    })
  }

  leave(groupId: string, members: readonly Identity[]): MaybeLater<LeaveReply> {
    const blank: LeaveReply = { type: 'leave', error: ErrorCodes.NONE, members: [] }
    return this.#askClassic(groupId, blank, {
      decide: atOnce(turn => leaveClassic(turn, members)),
      ifClassic: () => this.#o.classic.leave(groupId, members),
      isChange: true,
    })
  }

  async delete(groupId: string): Promise<ErrorCode> {
    let answer: ErrorCode = ErrorCodes.GROUP_ID_NOT_FOUND
    const error = await this.#o.log.write(groupId, image => {
      const group = image.of(consumerPart).group(groupId)
      if (group) answer = group.members.size > 0 ? ErrorCodes.NON_EMPTY_GROUP : ErrorCodes.NONE
      return answer === ErrorCodes.NONE ? image.removal(groupId) : []
    })
    return error === ErrorCodes.NONE ? answer : error
  }

  close(): void {
    this.#deadlines.close()
  }

  /** Refusals are codes in the answers of the classic protocol. */
  #askClassic<R extends Reply>(groupId: string, blank: R, matter: Matter<R>): MaybeLater<R> {
    const refused = (error: unknown): R => {
      if (!(error instanceof Refusal)) throw error
      return { ...blank, error: error.errorCode }
    }
    try {
      const answer = this.#decisions.ask(groupId, matter)
      return answer instanceof Promise ? answer.catch(refused) : answer
    } catch (error) {
      return refused(error)
    }
  }

  #passed(groupId: string, name: ConsumerDeadline): void {
    const colon = name.indexOf(':')
    const what = name.slice(0, colon) as 'session' | 'revoke' | 'join' | 'sync'
    const memberId = name.slice(colon + 1)
    this.#o.logger.debug({ group: groupId, member: memberId, what }, 'a deadline of a member passed')
    const asked = this.#decisions.ask(groupId, {
      decide: atOnce(turn => expired(turn, what, memberId)),
      isChange: true,
    })
    Promise.resolve(asked).catch(error => {
      const isGone = error instanceof Refusal && error.errorCode === ErrorCodes.GROUP_ID_NOT_FOUND
      if (!isGone) this.#deadlines.set(groupId, name, retryMs)
    })
  }

  #changeDeadline(groupId: string, { name, inMs, ifUnset }: DeadlineChange): void {
    if (inMs === null) this.#deadlines.cancel(groupId, name)
    else if (!ifUnset || !this.#deadlines.has(groupId, name)) this.#deadlines.set(groupId, name, inMs)
  }

  #watch(group: ConsumerGroup): void {
    const { sessionTimeoutMs } = this.#o.settingsOf(group.id)
    for (const { id, details, current } of group.members.values()) {
      this.#deadlines.set(group.id, `session:${id}`, details.classic?.sessionTimeoutMs ?? sessionTimeoutMs)
      if (current.state === 'unrevoked' && details.classic === null)
        this.#deadlines.set(group.id, `revoke:${id}`, details.rebalanceTimeoutMs)
    }
  }
}
