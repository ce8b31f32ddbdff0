import type { Uuid } from '@odradek/log'

/** Partitions by topic id, ascending. */
export type Assignment = ReadonlyMap<Uuid, readonly number[]>

export const nothingAssigned: Assignment = new Map()

/** What a member says of itself. */
export interface MemberInfo {
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly topics: readonly string[]
}

/** What a member was told last. A share group has nothing to revoke: several members may have one partition. */
export interface MemberProgress {
  readonly epoch: number
  readonly previousEpoch: number
  readonly assigned: Assignment
}

export interface ShareMember extends MemberInfo, MemberProgress {
  readonly id: string
  /** What it is to have. */
  readonly target: Assignment
}

/** A topic with the partitions whose progress the group keeps. */
export interface KeptTopic {
  readonly topicName: string
  readonly partitions: readonly number[]
}

/**
 * A share group as it is durable (KIP-932).
 *
 *     Empty ──a member joins──▶ Stable ──the last one leaves or falls silent──▶ Empty ──deleted──▶ gone
 *
 * Its epoch rises when its members, what they subscribe to, or those topics change, and every time everything is assigned anew.
 */
export interface ShareGroup {
  readonly id: string
  readonly epoch: number
  /** Of the subscribed topics as they were when `epoch` began. */
  readonly metadataHash: bigint
  readonly assignmentEpoch: number
  readonly members: ReadonlyMap<string, ShareMember>
  readonly kept: ReadonlyMap<Uuid, KeptTopic>
}

export const emptyShareGroup = (id: string): ShareGroup => ({
  id,
  epoch: 0,
  metadataHash: 0n,
  assignmentEpoch: 0,
  members: new Map(),
  kept: new Map(),
})

export const shareGroupState = ({ members }: ShareGroup): 'Empty' | 'Stable' =>
  members.size === 0 ? 'Empty' : 'Stable'

/** Order does not matter within a topic's list, for it is always the same. */
export function isSameAssignment(a: Assignment, b: Assignment): boolean {
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (others?.length !== partitions.length || others.some((other, i) => other !== partitions[i])) return false
  }
  return true
}
