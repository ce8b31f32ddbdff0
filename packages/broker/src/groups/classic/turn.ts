import type { ErrorCode } from '@odradek/protocol'
import { ErrorCodes } from '@odradek/protocol'
import type { GroupSettings } from '../group-settings.ts'
import { type Group, type GroupState, type Member, metadataFor, noBytes, type Ticket } from './group.ts'
import type { Answer, DeadlineName, Effect, JoinReply, Reply, SyncReply } from './group-event.ts'
import { storedGroup } from './stored-group.ts'

type Draft = { -readonly [K in keyof Group]: Group[K] }

/**
 * One step being taken: a private copy of the group, and what the step asks of the world so far. The rules in joining.ts,
 * syncing.ts and so on work on it; nobody sees it before it is done.
 */
export class Turn {
  readonly settings: GroupSettings
  readonly group: Draft
  readonly effects: Effect[] = []
  readonly #now: number
  /** Set when the step changes them: most steps, heartbeats above all, do not. */
  #ownMembers: Map<string, Member> | null = null
  #ownPending: Set<string> | null = null

  constructor(group: Group, settings: GroupSettings, now: number) {
    this.group = { ...group }
    this.settings = settings
    this.#now = now
  }

  to(state: GroupState): void {
    this.group.state = state
    this.group.stateSince = this.#now
  }

  reply(ticket: Ticket, reply: Reply): void {
    this.effects.push({ type: 'reply', ticket, reply })
  }

  /** Answers a request that asks for no more than a yes or an error. */
  plain(ticket: Ticket, error: ErrorCode): void {
    this.reply(ticket, { type: 'plain', error })
  }

  deadline(name: DeadlineName, inMs: number): void {
    this.effects.push({ type: 'deadline', name, inMs })
  }

  noDeadline(name: DeadlineName): void {
    this.effects.push({ type: 'noDeadline', name })
  }

  /** Persists the group as it is now; `replies` wait for that. */
  store(replies: readonly Answer[] = []): void {
    const { state, generation } = this.group
    this.effects.push({ type: 'store', generation, group: state === 'Dead' ? null : storedGroup(this.group), replies })
  }

  update(member: Member, change: Partial<Member>): Member {
    const updated = { ...member, ...change }
    this.#members().set(member.id, updated)
    return updated
  }

  /** A sign of life: the member's session begins anew, unless it waits for us rather than we for it. */
  watch(member: Member): void {
    if (member.joining !== null || member.syncing !== null) return
    this.deadline(`session:${member.id}`, member.sessionTimeoutMs)
  }

  /** Parks a JoinGroup. We owe the answer now, so the session is suspended; a newcomer who may be long gone is given a limit. */
  parkJoin(member: Member, ticket: Ticket): void {
    if (member.joining !== null) this.reply(member.joining, refusedJoin(ErrorCodes.REBALANCE_IN_PROGRESS, member.id))
    this.update(member, { joining: ticket })
    if (member.isNew) this.deadline(`session:${member.id}`, this.settings.newMemberJoinTimeoutMs)
    else this.noDeadline(`session:${member.id}`)
  }

  parkSync(member: Member, ticket: Ticket): void {
    if (member.syncing !== null) this.reply(member.syncing, refusedSync(ErrorCodes.REBALANCE_IN_PROGRESS))
    this.update(member, { syncing: ticket, hasSynced: true })
    this.noDeadline(`session:${member.id}`)
  }

  /** Takes a member out; what it has parked is answered with `error`. */
  drop(member: Member, error: ErrorCode = ErrorCodes.UNKNOWN_MEMBER_ID): void {
    this.answerParked(member, error)
    this.#members().delete(member.id)
    this.noDeadline(`session:${member.id}`)
    if (this.group.leader === member.id) this.group.leader = this.group.members.keys().next().value ?? null
  }

  /** Another member takes a place, with its rank in the order of joining. */
  replace(before: Member, after: Member): void {
    const members = [...this.group.members.values()].map(member => (member === before ? after : member))
    this.group.members = this.#ownMembers = new Map(members.map(member => [member.id, member]))
  }

  addPending(memberId: string, sessionTimeoutMs: number): void {
    this.#pending().add(memberId)
    this.deadline(`session:${memberId}`, sessionTimeoutMs)
  }

  dropPending(memberId: string): void {
    this.#pending().delete(memberId)
    this.noDeadline(`session:${memberId}`)
  }

  answerParked(member: Member, error: ErrorCode): void {
    if (member.joining !== null) this.reply(member.joining, refusedJoin(error))
    if (member.syncing !== null) this.reply(member.syncing, refusedSync(error))
  }

  /** What a member learns about the present generation; the leader learns who is in it. */
  welcome(member: Member, leader: string = this.group.leader ?? ''): JoinReply {
    return {
      type: 'join',
      error: ErrorCodes.NONE,
      memberId: member.id,
      generation: this.group.generation,
      protocolType: this.group.protocolType,
      protocolName: this.group.protocolName,
      leader,
      skipAssignment: false,
      members: leader === member.id ? this.#roster() : [],
    }
  }

  #members(): Map<string, Member> {
    if (this.#ownMembers === null) this.group.members = this.#ownMembers = new Map(this.group.members)
    return this.#ownMembers
  }

  #pending(): Set<string> {
    if (this.#ownPending === null) this.group.pending = this.#ownPending = new Set(this.group.pending)
    return this.#ownPending
  }

  #roster(): JoinReply['members'] {
    const { members, protocolName } = this.group
    return Array.from(members.values(), member => ({
      memberId: member.id,
      instanceId: member.instanceId,
      metadata: metadataFor(member, protocolName),
    }))
  }
}

export function refusedJoin(error: ErrorCode, memberId = ''): JoinReply {
  return {
    type: 'join',
    error,
    memberId,
    generation: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    members: [],
  }
}

export function refusedSync(error: ErrorCode): SyncReply {
  return { type: 'sync', error, protocolType: null, protocolName: null, assignment: noBytes }
}

/** What a waiting request is told when the store failed it. */
export function refusal(reply: Reply, error: ErrorCode): Reply {
  if (reply.type === 'join') return refusedJoin(error)
  if (reply.type === 'sync') return refusedSync(error)
  return { ...reply, error }
}
