/**
 * The coordinator of classic groups: turns requests and deadlines into events, lets the machine (group-machine.ts) decide, and does what
 * it asks for. It decides nothing itself.
 *
 *     request or deadline → event → machine → group as it is now, and effects: replies, deadlines, what to store
 *
 * A group changes in one step, without waiting; whoever has to wait for its answer holds a ticket.
 */
import assert from 'node:assert/strict'
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { Clock, Random } from '@odradek/world'
import { freshUuid } from '../../fresh-uuid.ts'
import type { Logger } from '../../logger.ts'
import { Deadlines } from '../deadlines.ts'
import type { GroupLog } from '../group-log.ts'
import type { GroupSettings } from '../group-settings.ts'
import type {
  ClassicMembers,
  CommitClaim,
  CoordinatedGroup,
  GroupType,
  JoinRequest,
  MaybeLater,
  Question,
} from '../group-types.ts'
import { ClassicGroup } from './classic-group.ts'
import { classicPart, classicRecord } from './classic-records.ts'
import { emptyGroup, type Group, type Ticket } from './group.ts'
import type {
  Answer,
  Claim,
  DeadlineName,
  Effect,
  GroupEvent,
  Identity,
  JoinReply,
  LeaveReply,
  PlainReply,
  Reply,
  SyncEvent,
  SyncReply,
} from './group-event.ts'
import { step } from './group-machine.ts'
import { restoredGroup } from './stored-group.ts'
import { refusal, refusedJoin, refusedSync } from './turn.ts'

interface Waiting {
  readonly blank: Reply
  settle: (reply: Reply) => void
}

const { NONE } = ErrorCodes
const noJoin = refusedJoin(NONE)
const noSync = refusedSync(NONE)
const noPlain: PlainReply = { type: 'plain', error: NONE }
const noLeave: LeaveReply = { type: 'leave', error: NONE, members: [] }

export class ClassicGroups implements GroupType, ClassicMembers {
  readonly name = 'classic'
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  readonly #settings: GroupSettings
  readonly #log: GroupLog
  readonly #groups = new Map<string, Group>()
  readonly #deadlines: Deadlines<DeadlineName>
  /** Requests that wait for their answer. */
  readonly #waiting = new Map<Ticket, Waiting>()
  #lastTicket = 0

  constructor(o: { clock: Clock; random: Random; logger: Logger; settings: GroupSettings; log: GroupLog }) {
    this.#clock = o.clock
    this.#random = o.random
    this.#logger = o.logger
    this.#settings = o.settings
    this.#log = o.log
    this.#deadlines = new Deadlines(o.clock, (id, name) => this.#passed(id, name))
  }

  get classicMembers(): ClassicMembers {
    return this
  }

  /** Groups go on where they were; each member has a whole session timeout to be heard of. */
  load(log: GroupLog): void {
    for (const image of log.images())
      for (const stored of image.of(classicPart).groups()) this.takeOver(restoredGroup(stored))
  }

  find(groupId: string): CoordinatedGroup | undefined {
    const group = this.#groups.get(groupId)
    return group && this.#coordinated(group)
  }

  *groups(): Iterable<CoordinatedGroup> {
    for (const group of this.#groups.values()) yield this.#coordinated(group)
  }

  get(groupId: string): Group | undefined {
    return this.#groups.get(groupId)
  }

  /** A group for offsets alone. */
  makeSimple(groupId: string, stateSince: number = this.#clock.now()): CoordinatedGroup {
    if (!this.#groups.has(groupId)) this.#groups.set(groupId, emptyGroup(groupId, stateSince))
    return this.find(groupId)!
  }

  join(groupId: string, request: JoinRequest): MaybeLater<JoinReply> {
    const freshMemberId = `${request.instanceId ?? request.clientId}-${freshUuid(this.#random)}`
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

  async delete(groupId: string): Promise<ErrorCode> {
    if (!this.#groups.has(groupId)) return ErrorCodes.GROUP_ID_NOT_FOUND
    return (await this.#ask(groupId, noPlain, ticket => ({ type: 'delete', ticket }))).error
  }

  /**
   * The group is of another kind from now on; whoever takes it over stores that, with `classicTombstone`. Whoever waits is told to
   * join again.
   */
  handOver(groupId: string): Group | undefined {
    const group = this.#groups.get(groupId)
    if (group === undefined) return undefined
    this.#groups.delete(groupId)
    for (const { id, joining, syncing } of group.members.values()) {
      this.#deadlines.cancel(groupId, `session:${id}`)
      const rejoin = ErrorCodes.REBALANCE_IN_PROGRESS
      if (joining !== null) this.#reply({ ticket: joining, reply: refusedJoin(rejoin, id) })
      if (syncing !== null) this.#reply({ ticket: syncing, reply: refusedSync(rejoin) })
    }
    for (const id of group.pending) this.#deadlines.cancel(groupId, `session:${id}`)
    this.#deadlines.cancel(groupId, 'join')
    this.#deadlines.cancel(groupId, 'sync')
    return group
  }

  /** A group that comes from the log, or was of another kind; its members' sessions begin. */
  takeOver(group: Group, { mustRebalance = false } = {}): void {
    this.#groups.set(group.id, group)
    for (const { id, sessionTimeoutMs } of group.members.values())
      this.#deadlines.set(group.id, `session:${id}`, sessionTimeoutMs)
    if (mustRebalance) this.#send(group.id, { type: 'membersChanged' })
  }

  /**
   * Whoever waits for other members is sent to look for the coordinator again, and nobody falls silent any more. What can be answered
   * at once still is: a member must not learn of a restart before its connection ends, or it would give up its membership.
   */
  close(): void {
    this.#deadlines.close()
    for (const [ticket, { blank }] of [...this.#waiting]) {
      this.#reply({ ticket, reply: refusal(blank, ErrorCodes.COORDINATOR_NOT_AVAILABLE) })
    }
  }

  #coordinated(group: Group): CoordinatedGroup {
    return new ClassicGroup(group, claim => this.#admitCommit(group.id, claim))
  }

  #admitCommit(groupId: string, { memberId, instanceId, generation, isTransactional }: CommitClaim): ErrorCode {
    const claim = { memberId, instanceId, generation, isTransactional }
    const answer = this.#ask(groupId, noPlain, ticket => ({ type: 'commit', ticket, ...claim }))
    assert(!(answer instanceof Promise), 'whether a commit is let through is known at once')
    return answer.error
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
    const error = await this.#stored(groupId, group)
    // It may have become a group of another kind meanwhile.
    if (!this.#groups.has(groupId)) return this.#answer(replies, ErrorCodes.COORDINATOR_NOT_AVAILABLE)
    if (group) this.#send(groupId, { type: 'stored', generation, error })
    else if (error !== ErrorCodes.NONE) this.#send(groupId, { type: 'removalFailed' })
    else this.#groups.delete(groupId)
    this.#answer(replies, error)
  }

  #answer(replies: readonly Answer[], error: ErrorCode): void {
    for (const { ticket, reply } of replies)
      this.#reply({ ticket, reply: error === ErrorCodes.NONE ? reply : refusal(reply, error) })
  }

  /** What cannot be written fails. A group that has become one of another kind before its turn comes is not written. */
  async #stored(groupId: string, group: Parameters<typeof classicRecord>[0] | null): Promise<ErrorCode> {
    try {
      return await this.#log.write(groupId, image => {
        if (!this.#groups.has(groupId)) return []
        return group ? [classicRecord(group)] : image.removal(groupId)
      })
    } catch (error) {
      this.#logger.error({ error }, 'a group cannot be stored')
      return ErrorCodes.UNKNOWN_SERVER_ERROR
    }
  }

  #passed(groupId: string, name: DeadlineName): void {
    if (name === 'join') this.#send(groupId, { type: 'joinTimedOut' })
    else if (name === 'sync') this.#send(groupId, { type: 'syncTimedOut' })
    else this.#send(groupId, { type: 'sessionExpired', memberId: name.slice('session:'.length) })
  }
}
