/**
 * A group with members that behave: each does what a client does with an answer, and some crash, come back, or ask twice. The leader
 * deals with a fake assignor: partition i goes to the i-th member of the roster, round and round.
 */
import assert from 'node:assert/strict'
import { emptyGroup, type Group, type Ticket } from '../classic/group.ts'
import type { DeadlineName, Effect, GroupEvent, JoinReply, Reply, SyncReply } from '../classic/group-event.ts'
import { step } from '../classic/group-machine.ts'
import { defaultGroupSettings, type GroupSettings } from '../group-settings.ts'

export const partitions: readonly number[] = [0, 1, 2, 3, 4, 5, 6]

interface Actor {
  readonly name: string
  readonly instanceId: string | null
  memberId: string
  generation: number
  /** What it says of itself; random bytes. */
  metadata: Uint8Array
  roster: JoinReply['members']
  phase: 'out' | 'joining' | 'syncing' | 'in'
}

type Store = Effect & { type: 'store' }

export class GroupWorld {
  group: Group = emptyGroup('g', 0)
  readonly actors: Actor[]
  readonly deadlines = new Set<DeadlineName>()
  readonly stores: Store[] = []
  readonly asked = new Map<Ticket, Actor | null>()
  /** By generation, who was given each partition. */
  readonly owners = new Map<number, Map<number, string>>()
  /** By member id, the last generation it was in. */
  readonly #reached = new Map<string, number>()
  /** By member id, what it said last. */
  readonly #said = new Map<string, Uint8Array>()
  readonly #settings: GroupSettings
  #lastTicket = 0
  #lastMember = 0

  constructor(members: number, settings: Partial<GroupSettings>) {
    this.#settings = { ...defaultGroupSettings, ...settings }
    this.actors = Array.from({ length: members }, (_, i) => ({
      name: `m${i}`,
      instanceId: i % 3 === 2 ? `i${i}` : null,
      memberId: '',
      generation: -1,
      metadata: new Uint8Array([i]),
      roster: [],
      phase: 'out',
    }))
  }

  send(event: GroupEvent): void {
    const before = this.group
    const { group, effects } = step(before, event, this.#settings, 0)
    if (group.generation !== before.generation) {
      assert.equal(group.generation, before.generation + 1, 'a generation is skipped')
    }
    this.group = group
    this.#check()
    for (const effect of effects) {
      if (effect.type === 'reply') this.#hear(effect.ticket, effect.reply)
      else if (effect.type === 'deadline') this.deadlines.add(effect.name)
      else if (effect.type === 'noDeadline') this.deadlines.delete(effect.name)
      else this.stores.push(effect)
    }
  }

  join(actor: Actor, version: number, metadata: Uint8Array = actor.metadata): void {
    // Whoever has no id and asks again was somebody else before.
    if (actor.memberId === '') this.crash(actor)
    actor.phase = 'joining'
    actor.metadata = metadata
    const freshMemberId = `${actor.name}-${++this.#lastMember}`
    this.#said.set(actor.memberId || freshMemberId, metadata)
    this.send({
      type: 'join',
      ticket: this.ticket(actor),
      memberId: actor.memberId,
      freshMemberId,
      instanceId: actor.instanceId,
      clientId: actor.name,
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: [{ name: 'fake', metadata }],
      mustKnowItsId: version >= 4,
      maySkipAssignment: version >= 9,
    })
  }

  sync(actor: Actor): void {
    const assignments = new Map<string, Uint8Array>()
    actor.roster.forEach((member, i) => {
      const share = partitions.filter(partition => partition % actor.roster.length === i)
      assignments.set(member.memberId, new Uint8Array([actor.generation % 256, ...share]))
    })
    actor.phase = 'syncing'
    this.send({ type: 'sync', ...this.claim(actor), protocolType: null, protocolName: null, assignments })
  }

  claim(actor: Actor): { ticket: Ticket; memberId: string; instanceId: string | null; generation: number } {
    const { memberId, instanceId, generation } = actor
    return { ticket: this.ticket(actor), memberId, instanceId, generation }
  }

  leave(actor: Actor): void {
    this.send({
      type: 'leave',
      ticket: this.ticket(null),
      members: [{ memberId: actor.memberId, instanceId: actor.instanceId }],
    })
    this.crash(actor)
  }

  /** It stops, and nobody hears its answers any more. */
  crash(actor: Actor): void {
    for (const [ticket, whose] of this.asked) if (whose === actor) this.asked.set(ticket, null)
    Object.assign(actor, { memberId: '', generation: -1, roster: [], phase: 'out' } satisfies Partial<Actor>)
  }

  /** The oldest write is done, or failed. */
  settleStore(error: 0 | 15): void {
    const store = this.stores.shift()
    if (!store) return
    if (store.group) this.send({ type: 'stored', generation: store.generation, error })
    else if (error) this.send({ type: 'removalFailed' })
    else {
      this.group = emptyGroup('g', 0)
      this.owners.clear()
    }
    for (const { ticket, reply } of store.replies) this.#hear(ticket, error ? ({ ...reply, error } as Reply) : reply)
  }

  pass(name: DeadlineName): void {
    this.deadlines.delete(name)
    if (name === 'join') this.send({ type: 'joinTimedOut' })
    else if (name === 'sync') this.send({ type: 'syncTimedOut' })
    else this.send({ type: 'sessionExpired', memberId: name.slice('session:'.length) })
  }

  ticket(whose: Actor | null): Ticket {
    this.asked.set(++this.#lastTicket, whose)
    return this.#lastTicket
  }

  #hear(ticket: Ticket, reply: Reply): void {
    assert(this.asked.has(ticket), 'a request is answered twice')
    const actor = this.asked.get(ticket)!
    this.asked.delete(ticket)
    if (!actor) return
    if (reply.type === 'join') this.#joined(actor, reply)
    else if (reply.type === 'sync') this.#synced(actor, reply)
    else if (reply.error === 27) actor.phase = 'out'
    else if (reply.error !== 0) Object.assign(actor, { memberId: '', phase: 'out' })
  }

  #joined(actor: Actor, reply: JoinReply): void {
    if (reply.error === 79) {
      actor.memberId = reply.memberId
      this.join(actor, 9)
      return
    }
    // Another request of its own took over; that one will be answered.
    if (reply.error === 27 && [...this.asked.values()].includes(actor)) return
    if (reply.error !== 0) {
      if (reply.error === 25 || reply.error === 82) actor.memberId = ''
      actor.phase = 'out'
      return
    }
    assert(
      reply.generation >= (this.#reached.get(reply.memberId) ?? 0),
      'a member is taken back to an older generation',
    )
    this.#reached.set(reply.memberId, reply.generation)
    Object.assign(actor, {
      memberId: reply.memberId,
      generation: reply.generation,
      roster: reply.skipAssignment ? [] : reply.members,
    })
    // A static leader's welcome waits for the store; what members said meanwhile is for the next generation.
    const isPresent = this.group.state !== 'PreparingRebalance'
    for (const { memberId, metadata } of isPresent ? reply.members : []) {
      assert.deepEqual(metadata, this.#said.get(memberId), 'what a member said reaches the leader changed')
    }
    this.sync(actor)
  }

  #synced(actor: Actor, reply: SyncReply): void {
    if (reply.error === 27 && [...this.asked.values()].includes(actor)) return
    actor.phase = 'out'
    if (reply.error === 25 || reply.error === 22 || reply.error === 82) actor.memberId = ''
    if (reply.error !== 0) return
    actor.phase = 'in'
    const [generation, ...share] = reply.assignment
    if (generation === undefined) return
    assert.equal(generation, actor.generation % 256, 'an assignment of another generation')
    let owners = this.owners.get(actor.generation)
    if (!owners) this.owners.set(actor.generation, (owners = new Map()))
    // A static member goes on under another member id.
    const owner = actor.instanceId ?? actor.memberId
    for (const partition of share) {
      const other = owners.get(partition)
      assert(
        other === undefined || other === owner,
        `partition ${partition} is owned by ${other} and ${owner} in generation ${actor.generation}`,
      )
      owners.set(partition, owner)
    }
  }

  #check(): void {
    const { state, members, leader, gathering } = this.group
    if (state === 'Empty' || state === 'Dead') assert.equal(members.size, 0)
    if (state === 'CompletingRebalance' || state === 'Stable')
      assert(leader !== null && members.has(leader), 'nobody leads')
    if (state !== 'PreparingRebalance') assert.equal(gathering, null)
    const instances = new Set<string>()
    for (const member of members.values()) {
      if (state !== 'PreparingRebalance') assert.equal(member.joining, null, 'a join is parked outside a rebalance')
      if (state !== 'CompletingRebalance')
        assert.equal(member.syncing, null, 'a sync is parked when there is nothing to wait for')
      assert(!this.group.pending.has(member.id), 'a member is pending')
      if (member.instanceId === null) continue
      assert(!instances.has(member.instanceId), 'two members with one instance id')
      instances.add(member.instanceId)
    }
  }
}
