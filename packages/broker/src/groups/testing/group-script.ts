/**
 * Plays a script against the group machine: one line an event, what is answered, and where the group stands after it.
 *
 *     A joins              | A joined 1, leads A      | CompletingRebalance 1
 *     A syncs A=p0,p1      | store                    | CompletingRebalance 1
 *     stored               | A got p0,p1              | Stable 1
 *
 * Members are called by their ids; whoever is not in the group and not pending joins as a newcomer, and gets its name as id.
 * Words after the verb change a request: `as:i1` an instance id, `id:X` a member id, `gen:5`, `knows:range+rr` its protocols (metadata
 * is the member's name unless `says:…`), `v4` (ids are required) and `v9`, `session:100`.
 */
import assert from 'node:assert/strict'
import { errorByCode } from '@odradek/protocol'
import { emptyGroup, type Group } from '../classic/group.ts'
import type { DeadlineName, Effect, GroupEvent, Reply } from '../classic/group-event.ts'
import { step } from '../classic/group-machine.ts'
import { defaultGroupSettings, type GroupSettings } from '../group-settings.ts'

export class GroupScript {
  group: Group
  readonly deadlines = new Map<DeadlineName, number>()
  readonly stores: (Effect & { type: 'store' })[] = []
  readonly #settings: GroupSettings
  /** Whose request a ticket is, and for what. */
  readonly #tickets = new Map<number, string>()
  #lastTicket = 0
  now = 1_000

  constructor(settings: Partial<GroupSettings> = {}, group: Group = emptyGroup('g', 0)) {
    this.#settings = { ...defaultGroupSettings, minSessionTimeoutMs: 1, ...settings }
    this.group = group
  }

  /** Plays every line and compares it with what it says should happen. */
  play(script: string): this {
    const lines = script.split('\n').map(line => line.replace(/\s*(\/\/.*)?$/, ''))
    for (const line of lines.filter(line => line.trim() !== '')) {
      const [command, replies, state] = line.split('|').map(part => part.trim())
      const answers = this.do(command!)
      assert.equal(`${command} | ${answers} | ${this.where}`, `${command} | ${replies ?? ''} | ${state ?? this.where}`)
    }
    return this
  }

  get where(): string {
    return `${this.group.state} ${this.group.generation}`
  }

  /** One event; the answers it causes, in order. */
  do(command: string): string {
    const said: string[] = []
    if (command === 'stored' || command === 'store fails') {
      const { generation, group, replies } = this.stores.shift() ?? assert.fail('nothing is being stored')
      const failed = command !== 'stored'
      if (group) this.#step({ type: 'stored', generation, error: failed ? 15 : 0 }, said)
      else if (failed) this.#step({ type: 'removalFailed' }, said)
      for (const { ticket, reply } of replies)
        said.push(failed ? `${this.#tickets.get(ticket)} refused` : this.#told(ticket, reply))
    } else this.#step(this.#event(command), said)
    return said.join('; ')
  }

  send(event: GroupEvent): readonly Effect[] {
    const { group, effects } = step(this.group, event, this.#settings, ++this.now)
    this.group = group
    return effects
  }

  #step(event: GroupEvent, said: string[]): void {
    for (const effect of this.send(event)) {
      if (effect.type === 'reply') said.push(this.#told(effect.ticket, effect.reply))
      else if (effect.type === 'deadline') this.deadlines.set(effect.name, effect.inMs)
      else if (effect.type === 'noDeadline') this.deadlines.delete(effect.name)
      else {
        this.stores.push(effect)
        said.push('store')
      }
    }
  }

  #event(command: string): GroupEvent {
    const [who = '', verb = '', ...words] = command.split(' ')
    if (command === 'delete') return { type: 'delete', ticket: this.#ticket('delete') }
    if (command === 'join timeout') return { type: 'joinTimedOut' }
    if (command === 'sync timeout') return { type: 'syncTimedOut' }
    return this.#request(who, verb, words)
  }

  #request(who: string, verb: string, words: readonly string[]): GroupEvent {
    const word = (name: string) => words.find(text => text.startsWith(`${name}:`))?.slice(name.length + 1)
    const ticket = this.#ticket(who)
    const isKnown = this.group.members.has(who) || this.group.pending.has(who)
    const instanceId = word('as') ?? null
    const memberId = word('id') ?? (verb !== 'joins' || isKnown ? who : '')
    const generation = Number(word('gen') ?? this.group.generation)
    const claim = { ticket, memberId: memberId === '-' ? '' : memberId, instanceId, generation }
    if (verb === 'beats') return { type: 'heartbeat', ...claim }
    if (verb === 'commits') return { type: 'commit', ...claim, isTransactional: false }
    if (verb === 'leaves') return { type: 'leave', ticket, members: [claim] }
    if (verb === 'falls') return { type: 'sessionExpired', memberId: who }
    if (verb === 'syncs') {
      const assignments = words.filter(text => text.includes('=')).map(text => text.split('=') as [string, string])
      return {
        type: 'sync',
        ...claim,
        protocolType: word('type') ?? null,
        protocolName: word('protocol') ?? null,
        assignments: new Map(assignments.map(([id, text]) => [id, Buffer.from(text)])),
      }
    }
    assert.equal(verb, 'joins', `no such verb: ${verb}`)
    const metadata = Buffer.from(word('says') ?? who)
    return {
      type: 'join',
      ...claim,
      freshMemberId: who,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: Number(word('session') ?? 10_000),
      rebalanceTimeoutMs: Number(word('rebalance') ?? 60_000),
      protocolType: word('type') ?? 'consumer',
      protocols: (word('knows') ?? 'range').split('+').map(name => ({ name, metadata })),
      mustKnowItsId: words.includes('v4') || words.includes('v9'),
      maySkipAssignment: words.includes('v9'),
    }
  }

  #ticket(who: string): number {
    this.#tickets.set(++this.#lastTicket, who)
    return this.#lastTicket
  }

  #told(ticket: number, reply: Reply): string {
    const who = this.#tickets.get(ticket) ?? assert.fail(`ticket ${ticket} was answered twice`)
    this.#tickets.delete(ticket)
    if (reply.error !== 0) return `${who} ${errorByCode(reply.error).name}`
    if (reply.type === 'plain') return `${who} ok`
    if (reply.type === 'sync') return `${who} got ${Buffer.from(reply.assignment).toString() || 'nothing'}`
    if (reply.type === 'leave')
      return `${who} left: ${reply.members.map(member => errorByCode(member.error).name).join(' ')}`
    const roster = reply.members.map(member => member.memberId).join(' ')
    const role = roster ? `leads ${roster}` : `follows ${reply.leader}`
    return `${who} joined ${reply.generation}, ${role}${reply.skipAssignment ? ', need not assign' : ''}`
  }
}
