/**
 * The coordinator of all groups of this process: turns requests and deadlines into events, lets the machine (group-machine.ts) decide,
 * and does what it asks for. It decides nothing itself.
 *
 *     request or deadline → event → machine → group as it is now, and effects: replies, deadlines, what to store
 *
 * A group changes in one step, without waiting; whoever has to wait for its answer holds a ticket. Before everything stored is read,
 * requests are refused.
 */
import { ClockGuard } from '@odradek/log'
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { Clock, Random, Timer } from '@odradek/world'
import type { Logger } from '../logger.ts'
import { type GroupOffsets, noOffsets, type OffsetChange } from './committed-offset.ts'
import { Deadlines } from './deadlines.ts'
import { emptyGroup, type Group, type Ticket } from './group.ts'
import type {
  Answer,
  Claim,
  DeadlineName,
  Effect,
  GroupEvent,
  Identity,
  JoinEvent,
  JoinReply,
  Reply,
  SyncEvent,
  SyncReply,
} from './group-event.ts'
import { step } from './group-machine.ts'
import type { GroupSettings } from './group-settings.ts'
import type { GroupStore } from './group-store.ts'
import { expiredOffsets, type OffsetRemoval, offsetRemoval, type Place } from './offset-expiry.ts'
import { restoredGroup } from './stored-group.ts'
import { refusal, refusedJoin, refusedSync } from './turn.ts'

type MaybeLater<T> = T | Promise<T>
type LeaveReply = Reply & { type: 'leave' }
type PlainReply = Reply & { type: 'plain' }
type Question<E> = Omit<E, 'type' | 'ticket'>

interface Waiting {
  readonly blank: Reply
  settle: (reply: Reply) => void
}

const { NONE } = ErrorCodes
const noJoin = refusedJoin(NONE)
const noSync = refusedSync(NONE)
const noPlain: PlainReply = { type: 'plain', error: NONE }
const noLeave: LeaveReply = { type: 'leave', error: NONE, members: [] }

export class Groups {
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  readonly #settings: GroupSettings
  readonly #store: GroupStore
  readonly #groups = new Map<string, Group>()
  readonly #deadlines: Deadlines
  /** Requests that wait for their answer. */
  readonly #waiting = new Map<Ticket, Waiting>()
  #lastTicket = 0
  #isLoaded = false
  #isClosed = false
  #expiryTimer: Timer | null = null
  /** Nothing expires in the hour after a jump of the wall clock, nor after a start: nobody knows what it was before. */
  readonly #guard: ClockGuard

  constructor(o: { clock: Clock; random: Random; logger: Logger; settings: GroupSettings; store: GroupStore }) {
    this.#clock = o.clock
    this.#random = o.random
    this.#logger = o.logger
    this.#settings = o.settings
    this.#store = o.store
    this.#guard = new ClockGuard(0, o.clock.now(), o.clock.monotonic())
    this.#deadlines = new Deadlines(o.clock, (id, name) => this.#passed(id, name))
  }

  /** Groups go on where they were; each member has a whole session timeout to be heard of. */
  async load(topicExists: (topic: string) => boolean = () => true): Promise<void> {
    for (const stored of await this.#store.load()) {
      const group = restoredGroup(stored)
      this.#groups.set(group.id, group)
      for (const member of group.members.values())
        this.#deadlines.set(group.id, `session:${member.id}`, member.sessionTimeoutMs)
    }
    if (this.#isClosed) return
    this.#isLoaded = true
    this.#lookForExpiredLater()
    // A topic may have been deleted in the moment of a crash, before its offsets were.
    await this.#forgetOffsets(topic => !topicExists(topic))
  }

  get isLoaded(): boolean {
    return this.#isLoaded
  }

  /** Why nothing can be said about a group now; NONE when something can. */
  obstacle(groupId: string): ErrorCode {
    if (!this.#isLoaded) return ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS
    return this.#store.isReadable(groupId) ? ErrorCodes.NONE : ErrorCodes.COORDINATOR_NOT_AVAILABLE
  }

  join(groupId: string, request: Omit<Question<JoinEvent>, 'freshMemberId'>): MaybeLater<JoinReply> {
    const freshMemberId = `${request.instanceId ?? request.clientId}-${this.#uuid()}`
    return this.#ask(groupId, noJoin, ticket => ({ type: 'join', ticket, freshMemberId, ...request }))
  }

  sync(groupId: string, request: Question<SyncEvent>): MaybeLater<SyncReply> {
    return this.#ask(groupId, noSync, ticket => ({ type: 'sync', ticket, ...request }))
  }

  heartbeat(groupId: string, claim: Question<Claim>): MaybeLater<PlainReply> {
    return this.#ask(groupId, noPlain, ticket => ({ type: 'heartbeat', ticket, ...claim }))
  }

  leave(groupId: string, members: readonly Identity[]): MaybeLater<LeaveReply> {
    return this.#ask(groupId, noLeave, ticket => ({ type: 'leave', ticket, members }))
  }

  /** Whoever commits must be of the present generation, or the group must be empty. Answered when durable. */
  async commit(groupId: string, claim: Question<Claim>, changes: readonly OffsetChange[]): Promise<ErrorCode> {
    if (!this.#groups.has(groupId) && claim.generation >= 0) return ErrorCodes.ILLEGAL_GENERATION
    const answer = this.#ask(groupId, noPlain, ticket => ({ type: 'commit', ticket, ...claim }))
    // No turn may pass between the permission and the write, or the group could be deleted in between.
    const { error } = answer instanceof Promise ? await answer : answer
    if (error !== ErrorCodes.NONE || changes.length === 0) return error
    if (!this.#groups.has(groupId)) this.#groups.set(groupId, emptyGroup(groupId, this.#clock.now()))
    return this.#stored(this.#store.putOffsets(groupId, changes))
  }

  offsets(groupId: string): Promise<GroupOffsets> {
    return this.#groups.has(groupId) ? this.#store.getOffsets(groupId) : Promise.resolve(noOffsets)
  }

  /** OffsetDelete: forgets offsets of topics that no member subscribes to. */
  async forget(groupId: string, wanted: readonly Place[]): Promise<OffsetRemoval> {
    const decision = offsetRemoval(this.#groups.get(groupId), await this.offsets(groupId), wanted)
    if (decision.error !== ErrorCodes.NONE) return decision
    return { ...decision, error: await this.#stored(this.#store.putOffsets(groupId, decision.changes)) }
  }

  async delete(groupId: string): Promise<ErrorCode> {
    if (!this.#groups.has(groupId)) return ErrorCodes.GROUP_ID_NOT_FOUND
    return (await this.#ask(groupId, noPlain, ticket => ({ type: 'delete', ticket }))).error
  }

  get(groupId: string): Group | undefined {
    return this.#groups.get(groupId)
  }

  all(): Iterable<Group> {
    return this.#groups.values()
  }

  /** A topic is gone, and with it every offset in it. */
  topicDeleted(name: string): Promise<void> {
    return this.#forgetOffsets(topic => topic === name)
  }

  /**
   * Whoever waits for other members is sent to look for the coordinator again, and nobody falls silent any more. What can be answered
   * at once still is: a member must not learn of a restart before its connection ends, or it would give up its membership.
   */
  close(): void {
    this.#isClosed = true
    this.#deadlines.close()
    this.#expiryTimer?.cancel()
    for (const [ticket, { blank }] of [...this.#waiting]) {
      this.#reply({ ticket, reply: refusal(blank, ErrorCodes.COORDINATOR_NOT_AVAILABLE) })
    }
  }

  /** Removes what has expired. Runs by itself every `offsets.retention.check.interval.ms`. */
  async removeExpired(): Promise<void> {
    for (const group of [...this.#groups.values()]) {
      const offsets = await this.#store.getOffsets(group.id)
      const expired = expiredOffsets(group, offsets, this.#settings.offsetsRetentionMs, this.#clock.now())
      let left = -expired.length
      for (const partitions of offsets.values()) left += partitions.size
      if (left === 0 && group.state === 'Empty' && group.pending.size === 0) await this.delete(group.id)
      else if (expired.length > 0) await this.#store.putOffsets(group.id, expired)
    }
  }

  #lookForExpiredLater(): void {
    if (this.#isClosed) return
    this.#expiryTimer = this.#clock.timer(this.#settings.offsetsRetentionCheckIntervalMs, () => {
      const failed = (error: unknown) => this.#logger.warn({ error }, 'expired offsets could not be removed')
      const isTrusted = this.#guard.look(this.#clock.now(), this.#clock.monotonic())
      void (isTrusted ? this.removeExpired() : Promise.resolve()).catch(failed).then(() => this.#lookForExpiredLater())
    })
  }

  async #forgetOffsets(isGone: (topic: string) => boolean): Promise<void> {
    for (const groupId of [...this.#groups.keys()]) {
      const gone: OffsetChange[] = []
      for (const [topic, partitions] of await this.#store.getOffsets(groupId)) {
        if (isGone(topic)) for (const partition of partitions.keys()) gone.push({ topic, partition, committed: null })
      }
      await this.#store.putOffsets(groupId, gone)
    }
  }

  /** The machine's answer: at once, or when something else has happened. `blank` is the form of a refusal. */
  #ask<R extends Reply>(groupId: string, blank: R, event: (ticket: Ticket) => GroupEvent): MaybeLater<R> {
    const ticket = ++this.#lastTicket
    let answer: Reply | undefined
    const waiting: Waiting = {
      blank,
      settle: reply => {
        answer = reply
      },
    }
    this.#waiting.set(ticket, waiting)
    this.#send(groupId, event(ticket))
    if (answer !== undefined) return answer as R
    return new Promise(resolve => {
      waiting.settle = resolve as (reply: Reply) => void
    })
  }

  #send(groupId: string, event: GroupEvent): void {
    const known = this.#groups.get(groupId)
    const now = this.#clock.now()
    const { group, effects } = step(known ?? emptyGroup(groupId, now), event, this.#settings, now)
    // A question about a group that does not exist does not create it.
    const isBlank = group.state === 'Empty' && group.generation === 0 && group.pending.size === 0
    if (known !== undefined || !isBlank) this.#groups.set(groupId, group)
    if (known?.state !== group.state)
      this.#logger.debug(
        { group: groupId, state: group.state, generation: group.generation },
        `group after ${event.type}`,
      )
    for (const effect of effects) this.#perform(groupId, effect)
  }

  #perform(groupId: string, effect: Effect): void {
    if (effect.type === 'reply') this.#reply(effect)
    else if (effect.type === 'deadline') this.#deadlines.set(groupId, effect.name, effect.inMs)
    else if (effect.type === 'noDeadline') this.#deadlines.cancel(groupId, effect.name)
    else void this.#persist(groupId, effect)
  }

  #reply({ ticket, reply }: Answer): void {
    const waiting = this.#waiting.get(ticket)
    this.#waiting.delete(ticket)
    waiting?.settle(reply)
  }

  async #persist(groupId: string, { group, generation, replies }: Effect & { type: 'store' }): Promise<void> {
    const error = await this.#stored(group ? this.#store.save(group) : this.#store.remove(groupId))
    if (group) this.#send(groupId, { type: 'stored', generation, error })
    else if (error !== ErrorCodes.NONE) this.#send(groupId, { type: 'removalFailed' })
    else this.#groups.delete(groupId)
    for (const { ticket, reply } of replies)
      this.#reply({ ticket, reply: error === ErrorCodes.NONE ? reply : refusal(reply, error) })
  }

  /** A store that throws (what it got cannot be written) is one that fails. */
  async #stored(written: Promise<ErrorCode>): Promise<ErrorCode> {
    try {
      return await written
    } catch (error) {
      this.#logger.error({ error }, 'a group or its offsets cannot be stored')
      return ErrorCodes.UNKNOWN_SERVER_ERROR
    }
  }

  #passed(groupId: string, name: DeadlineName): void {
    if (name === 'join') this.#send(groupId, { type: 'joinTimedOut' })
    else if (name === 'sync') this.#send(groupId, { type: 'syncTimedOut' })
    else this.#send(groupId, { type: 'sessionExpired', memberId: name.slice('session:'.length) })
  }

  #uuid(): string {
    const bytes = this.#random.bytes(16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    return Buffer.from(bytes)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
}
