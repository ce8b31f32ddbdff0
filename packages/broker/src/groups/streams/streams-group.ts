/**
 * A streams group (KIP-1071): what its records add up to. `apply` is the only way it changes. Epochs are those of a consumer group: the
 * group's rises when members, topology, topics or settings change; the target's follows it; the members' follow that.
 *
 *     Empty ── members ──▶ NotReady ── topics fit ──▶ Assigning ── target ──▶ Reconciling ── all are there ──▶ Stable
 *
 * Invariants, checked by streams-groups.property.test.ts:
 * - epochs only rise; target epoch ≤ group epoch, a member's epoch ≤ target epoch;
 * - a task is active, or being given up, with one member at most, and in one role at most in a process.
 */
import { isReconciledTo } from '../current-assignment.ts'
import { nowhere } from '../topic-partitions.ts'
import { blankStreamsMember, type StreamsMember } from './streams-member.ts'
import type { GroupFacts, StreamsRecord } from './streams-record.ts'
import { type Role, roles, splitTaskKey, type Tasks, taskKey } from './tasks.ts'
import type { Topology } from './topology.ts'

export type StreamsGroupState = 'Empty' | 'NotReady' | 'Assigning' | 'Reconciling' | 'Stable'

const blankFacts: GroupFacts = { epoch: 0, metadataHash: 0n, validatedTopologyEpoch: -1, assignmentConfigs: [] }
const nobody: ReadonlySet<string> = new Set()

export class StreamsGroup {
  readonly id: string
  #facts = blankFacts
  #targetEpoch = 0
  #topology: Topology | null = null
  readonly #members: Map<string, StreamsMember>
  readonly #targets: Map<string, Tasks>
  /** By role and subtopology, then partition: the members that have it, or have yet to give it up. */
  readonly #holders: Map<string, Map<number, ReadonlySet<string>>>

  constructor(id: string, of?: StreamsGroup) {
    this.id = id
    this.#members = new Map(of?.members)
    this.#targets = new Map(of?.targets)
    this.#holders = new Map(of && Array.from(of.#holders, ([key, holders]) => [key, new Map(holders)] as const))
    if (!of) return
    this.#facts = of.facts
    this.#targetEpoch = of.targetEpoch
    this.#topology = of.topology
  }

  /** A copy to try things on. */
  draft(): StreamsGroup {
    return new StreamsGroup(this.id, this)
  }

  get facts(): GroupFacts {
    return this.#facts
  }

  get epoch(): number {
    return this.#facts.epoch
  }

  get targetEpoch(): number {
    return this.#targetEpoch
  }

  get topology(): Topology | null {
    return this.#topology
  }

  get members(): ReadonlyMap<string, StreamsMember> {
    return this.#members
  }

  get targets(): ReadonlyMap<string, Tasks> {
    return this.#targets
  }

  get state(): StreamsGroupState {
    if (this.#members.size === 0) return 'Empty'
    if (this.#topology === null || this.#topology.epoch !== this.#facts.validatedTopologyEpoch) return 'NotReady'
    if (this.epoch > this.#targetEpoch) return 'Assigning'
    for (const member of this.#members.values()) if (!isReconciledTo(member, this.#targetEpoch)) return 'Reconciling'
    return 'Stable'
  }

  target(memberId: string): Tasks {
    return this.#targets.get(memberId) ?? nowhere
  }

  holdersOf(key: string, partition: number): ReadonlySet<string> {
    return this.#holders.get(key)?.get(partition) ?? nobody
  }

  /** Whether somebody else stands in the way: who works on a task does so alone, and no process has it twice. */
  isTakenFrom(memberId: string, key: string, partition: number): boolean {
    const { role, subtopologyId } = splitTaskKey(key)
    const processId = this.#members.get(memberId)?.details.processId
    const standsInTheWay = (held: Role) => (holder: string) =>
      holder !== memberId &&
      ((role === 'active' && held === 'active') || this.#members.get(holder)?.details.processId === processId)
    return roles.some(held => [...this.holdersOf(taskKey(held, subtopologyId), partition)].some(standsInTheWay(held)))
  }

  apply(record: StreamsRecord): void {
    switch (record.type) {
      case 'group':
        this.#facts = record.value ?? blankFacts
        return
      case 'topology':
        this.#topology = record.value
        return
      case 'target-epoch':
        this.#targetEpoch = record.value ?? 0
        return
      case 'target':
        if (record.value) this.#targets.set(record.memberId, record.value)
        else this.#targets.delete(record.memberId)
        return
      case 'member':
        if (record.value) {
          const member = this.#members.get(record.memberId) ?? blankStreamsMember(record.memberId)
          this.#members.set(record.memberId, { ...member, details: record.value })
        } else this.#remove(record.memberId)
        return
      case 'current': {
        const member = this.#members.get(record.memberId)
        if (!member && !record.value) return
        if (member) this.#hold(member, false)
        const blank = blankStreamsMember(record.memberId)
        const changed = { ...(member ?? blank), current: record.value ?? blank.current }
        this.#members.set(record.memberId, changed)
        this.#hold(changed, true)
      }
    }
  }

  #remove(memberId: string): void {
    const member = this.#members.get(memberId)
    if (!member) return
    this.#hold(member, false)
    this.#members.delete(memberId)
  }

  #hold({ id, current }: StreamsMember, holds: boolean): void {
    for (const tasks of [current.assigned, current.revoking])
      for (const [key, partitions] of tasks)
        for (const partition of partitions.keys()) this.#holdOne(id, key, partition, holds)
  }

  #holdOne(id: string, key: string, partition: number, holds: boolean): void {
    let partitions = this.#holders.get(key)
    if (!partitions) this.#holders.set(key, (partitions = new Map()))
    const holders = new Set(partitions.get(partition))
    if (holds) holders.add(id)
    else holders.delete(id)
    if (holders.size > 0) partitions.set(partition, holders)
    else partitions.delete(partition)
    if (partitions.size === 0) this.#holders.delete(key)
  }
}
