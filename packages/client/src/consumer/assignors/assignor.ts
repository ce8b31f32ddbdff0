/**
 * An assignor divides a group's partitions among its members. The leader of a group runs the one that all members offer; the broker
 * carries what it needs and what it decides as opaque bytes.
 *
 * `eager`: every member gives up everything before it joins again. `cooperative` (KIP-429): members keep what they have while they
 * join, so an assignor must never give a partition to one member in the same round in which another still owns it.
 */
import type { TopicPartition } from '../topic-partition.ts'

export interface Assignor {
  /** As written in JoinGroup; members of a group share at least one. */
  readonly name: string
  readonly protocol: 'eager' | 'cooperative'
  /** Bytes this member sends along when it joins; the leader finds them in `GroupMember.userData`. */
  userData?(member: { topics: readonly string[]; owned: readonly TopicPartition[] }): Uint8Array | null
  /** Runs on the leader only. It may wait, e.g. to create topics; the other members wait with it. */
  assign(group: GroupView): Assignments | Promise<Assignments>
  /** Told to every member when its assignment has arrived, before the hooks `onRevoked` and `onAssigned`. */
  onAssigned?(assignment: MemberAssignment, membership: { memberId: string; generation: number }): void | Promise<void>
}

export interface GroupView {
  readonly members: readonly GroupMember[]
  /** Number of partitions of a topic; 0 when it does not exist. Known for every topic that a member subscribed to. */
  partitionsOf(topic: string): number
}

export interface GroupMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly topics: readonly string[]
  /** What the member owned when it joined. Empty under eager protocols, unless the assignor keeps it in its user data. */
  readonly owned: readonly TopicPartition[]
  /** Generation in which `owned` was assigned; -1 when unknown. */
  readonly generation: number
  readonly rackId: string | null
  readonly userData: Uint8Array | null
}

export interface MemberAssignment {
  partitions: TopicPartition[]
  userData: Uint8Array | null
}

/** By member id; a member that is missing gets nothing. */
export type Assignments = Map<string, MemberAssignment>
