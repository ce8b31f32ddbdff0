/**
 * A consumer group (KIP-848): what its records add up to. `apply` is the only way it changes.
 *
 *     group epoch        rises when members, subscriptions or topics change: somebody must assign anew
 *     target epoch       of the group epoch the target assignment was made for
 *     member's epoch     of the target epoch the member has come to
 *
 *     Empty ── members ──▶ Assigning ── target ──▶ Reconciling ── every member is there ──▶ Stable
 *
 * Invariants, checked by consumer-group.property.test.ts:
 * - epochs only rise; target epoch ≤ group epoch, a member's epoch ≤ target epoch;
 * - a partition is assigned to, or being revoked from, one member at most;
 * - an instance id belongs to one member at most.
 */

import { type CurrentAssignment, isReconciledTo, startOfMembership } from '../current-assignment.ts'
import { nowhere, type OwnedPartitions, type TopicPartitions } from '../topic-partitions.ts'
import { blankMember, type ConsumerMember, type MemberDetails } from './consumer-member.ts'
import type { ConsumerRecord } from './consumer-record.ts'

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable'

/** The topics a regular expression stood for, when it was last looked. */
export interface ResolvedRegex {
  readonly topics: readonly string[]
  /** Of the cluster, when it was looked. */
  readonly version: number
  readonly timestamp: number
}

export class ConsumerGroup {
  readonly id: string
  #epoch = 0
  #metadataHash = 0n
  #targetEpoch = 0
  readonly #members: Map<string, ConsumerMember>
  readonly #targets: Map<string, TopicPartitions>
  readonly #regexes: Map<string, ResolvedRegex>
  /** By topic, then partition: the member that has it, or has yet to give it up. */
  readonly #owners: Map<string, Map<number, string>>
  readonly #statics: Map<string, string>
  /** The version of the cluster's metadata up to which the group knows its topics. Not stored: a restart looks again. */
  topicsVersion = -1

  constructor(id: string, of?: ConsumerGroup) {
    this.id = id
    this.#members = new Map(of?.members)
    this.#targets = new Map(of?.targets)
    this.#regexes = new Map(of?.regexes)
    this.#statics = new Map(of ? of.#statics : [])
    this.#owners = new Map(of && Array.from(of.#owners, ([topicId, owners]) => [topicId, new Map(owners)] as const))
    if (!of) return
    this.#epoch = of.epoch
    this.#metadataHash = of.metadataHash
    this.#targetEpoch = of.targetEpoch
    this.topicsVersion = of.topicsVersion
  }

  /** A copy to try things on. */
  draft(): ConsumerGroup {
    return new ConsumerGroup(this.id, this)
  }

  get epoch(): number {
    return this.#epoch
  }

  get metadataHash(): bigint {
    return this.#metadataHash
  }

  get targetEpoch(): number {
    return this.#targetEpoch
  }

  get members(): ReadonlyMap<string, ConsumerMember> {
    return this.#members
  }

  get targets(): ReadonlyMap<string, TopicPartitions> {
    return this.#targets
  }

  get regexes(): ReadonlyMap<string, ResolvedRegex> {
    return this.#regexes
  }

  get state(): ConsumerGroupState {
    if (this.#members.size === 0) return 'Empty'
    if (this.#epoch > this.#targetEpoch) return 'Assigning'
    for (const member of this.#members.values()) if (!isReconciledTo(member, this.#targetEpoch)) return 'Reconciling'
    return 'Stable'
  }

  target(memberId: string): TopicPartitions {
    return this.#targets.get(memberId) ?? nowhere
  }

  ownerOf(topicId: string, partition: number): string | undefined {
    return this.#owners.get(topicId)?.get(partition)
  }

  staticMember(instanceId: string): ConsumerMember | undefined {
    const id = this.#statics.get(instanceId)
    return id === undefined ? undefined : this.#members.get(id)
  }

  /** Members that subscribe to a regular expression. */
  subscribersOf(regex: string): number {
    let count = 0
    for (const { details } of this.#members.values()) if (details.topicRegex === regex) count++
    return count
  }

  get classicMembers(): number {
    let count = 0
    for (const { details } of this.#members.values()) if (details.classic) count++
    return count
  }

  apply(record: ConsumerRecord): void {
    switch (record.type) {
      case 'group':
        this.#epoch = record.value?.epoch ?? 0
        this.#metadataHash = record.value?.metadataHash ?? 0n
        return
      case 'member':
        if (record.value) this.#setDetails(record.memberId, record.value)
        else this.#remove(record.memberId)
        return
      case 'target-epoch':
        this.#targetEpoch = record.value ?? 0
        return
      case 'target':
        if (record.value) this.#targets.set(record.memberId, record.value)
        else this.#targets.delete(record.memberId)
        return
      case 'current':
        this.#setCurrent(record.memberId, record.value)
        return
      case 'regex':
        if (record.value) this.#regexes.set(record.regex, record.value)
        else this.#regexes.delete(record.regex)
    }
  }

  #setDetails(id: string, details: MemberDetails): void {
    const member = this.#members.get(id) ?? blankMember(id)
    if (member.details.instanceId !== null) this.#forgetStatic(member.details.instanceId, id)
    if (details.instanceId !== null) this.#statics.set(details.instanceId, id)
    this.#members.set(id, { ...member, details })
  }

  #remove(id: string): void {
    const member = this.#members.get(id)
    if (!member) return
    this.#release(id, member.current)
    if (member.details.instanceId !== null) this.#forgetStatic(member.details.instanceId, id)
    this.#members.delete(id)
  }

  /** Null: what it has is forgotten. The record may stand before that of the member itself, once the log is compacted. */
  #setCurrent(id: string, current: CurrentAssignment | null): void {
    const member = this.#members.get(id)
    if (!member && !current) return
    if (member) this.#release(id, member.current)
    const next = current ?? startOfMembership
    this.#members.set(id, { ...(member ?? blankMember(id)), current: next })
    this.#take(id, next.assigned)
    this.#take(id, next.revoking)
  }

  #take(id: string, owned: OwnedPartitions): void {
    for (const [topicId, partitions] of owned) {
      let owners = this.#owners.get(topicId)
      if (!owners) this.#owners.set(topicId, (owners = new Map()))
      for (const partition of partitions.keys()) owners.set(partition, id)
    }
  }

  #release(id: string, { assigned, revoking }: CurrentAssignment): void {
    for (const owned of [assigned, revoking]) {
      for (const [topicId, partitions] of owned) {
        const owners = this.#owners.get(topicId)
        for (const partition of partitions.keys()) if (owners?.get(partition) === id) owners.delete(partition)
        if (owners?.size === 0) this.#owners.delete(topicId)
      }
    }
  }

  #forgetStatic(instanceId: string, id: string): void {
    if (this.#statics.get(instanceId) === id) this.#statics.delete(instanceId)
  }
}
