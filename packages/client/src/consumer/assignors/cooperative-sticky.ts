/**
 * Cooperative-sticky (KIP-429): the division is sticky's, but a partition that moves takes two rounds. In the first nobody gets it; its
 * owner sees that it is no longer its own, gives it up and joins again; in the second it has no owner and goes to the new one.
 *
 * Members say what they own in the subscription itself. Before version 2 of the subscription the generation travelled as user data:
 * a single int32, which is still sent for the sake of older leaders.
 */
import { keyOf, type TopicPartition } from '../topic-partition.ts'
import type { Assignor, GroupMember, GroupView } from './assignor.ts'
import { balance, type Claim } from './balance.ts'
import { assignmentsFrom } from './group-view.ts'
import { BytesReader, BytesWriter } from './user-data.ts'

/** One per member: it remembers its generation. */
export function cooperativeSticky(): Assignor {
  let generation = -1
  return {
    name: 'cooperative-sticky',
    protocol: 'cooperative',
    userData: () => encodeGeneration(generation),
    assign(group) {
      const wanted = balance(group, group.members.map(claimOf))
      return assignmentsFrom(withholdMoving(group, wanted))
    },
    onAssigned(_assignment, membership) {
      generation = membership.generation
    },
  }
}

function claimOf(member: GroupMember): Claim {
  const generation = member.generation >= 0 ? member.generation : decodeGeneration(member.userData)
  return { memberId: member.memberId, partitions: member.owned, generation }
}

/** Leaves out each partition that somebody else still says it owns. */
function withholdMoving(group: GroupView, wanted: Map<string, TopicPartition[]>): Map<string, TopicPartition[]> {
  const owners = new Map<string, Set<string>>()
  for (const { memberId, owned } of group.members) {
    for (const at of owned) {
      const claimants = owners.get(keyOf(at))
      if (claimants) claimants.add(memberId)
      else owners.set(keyOf(at), new Set([memberId]))
    }
  }
  const isFree = (at: TopicPartition, taker: string): boolean => {
    const claimants = owners.get(keyOf(at))
    return claimants === undefined || claimants.has(taker)
  }
  return new Map(
    Array.from(wanted, ([memberId, partitions]) => [memberId, partitions.filter(at => isFree(at, memberId))]),
  )
}

export function encodeGeneration(generation: number): Uint8Array {
  const writer = new BytesWriter()
  writer.int32(generation)
  return writer.bytes()
}

export function decodeGeneration(bytes: Uint8Array | null): number {
  if (bytes === null) return -1
  const reader = new BytesReader(bytes)
  const generation = reader.int32()
  return reader.failed ? -1 : generation
}
