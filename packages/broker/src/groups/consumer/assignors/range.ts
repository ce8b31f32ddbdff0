import { addTo } from '../../topic-partitions.ts'
import type { Assignments, AssignorMember, AssignorSpec } from './assignor.ts'

/**
 * Each member gets a range of every topic it subscribes to, the first ones perhaps one partition more. Topics with as many partitions
 * and the same subscribers are dealt as one (they are co-partitioned: partition 3 of all of them goes to the same member, so that it
 * can join them). A member keeps what it had, up to its share, the lowest first; so after changes its partitions need not be in a row.
 */
export function range(spec: AssignorSpec): Assignments {
  const dealt = new Map(Array.from(spec.members.keys(), id => [id, new Map<string, Set<number>>()] as const))
  for (const { topics, partitions, members } of coPartitioned(spec)) {
    const owners = dealRange(partitions, ownersBefore(spec.members, topics, members, partitions), members)
    for (const [partition, id] of owners.entries())
      for (const topicId of topics) addTo(dealt.get(id)!, topicId, partition)
  }
  return dealt
}

interface CoPartitioned {
  readonly topics: string[]
  readonly partitions: number
  readonly members: readonly string[]
}

function coPartitioned({ members, partitionsOf }: AssignorSpec): CoPartitioned[] {
  const subscribers = new Map<string, string[]>()
  for (const [id, { topics }] of members) {
    for (const topicId of topics) {
      const list = subscribers.get(topicId)
      if (list) list.push(id)
      else subscribers.set(topicId, [id])
    }
  }
  const groups = new Map<string, CoPartitioned>()
  // Lists of the same members are told apart by a number, so that no long key is made for each topic.
  const numbers = new Map<string, number>()
  for (const [topicId, list] of [...subscribers].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const names = list.length === members.size ? '' : list.join('\n')
    if (!numbers.has(names)) numbers.set(names, numbers.size)
    const partitions = partitionsOf(topicId)
    const key = `${numbers.get(names)} ${partitions}`
    const group = groups.get(key)
    if (group) group.topics.push(topicId)
    else groups.set(key, { topics: [topicId], partitions, members: list })
  }
  return [...groups.values()]
}

/** Who had each partition, in the first of the topics where somebody did who still may. */
function ownersBefore(
  all: ReadonlyMap<string, AssignorMember>,
  topics: readonly string[],
  members: readonly string[],
  partitions: number,
): (string | undefined)[] {
  const owners: (string | undefined)[] = new Array(partitions)
  for (const topicId of topics) {
    for (const id of members) {
      for (const partition of all.get(id)!.before.get(topicId) ?? [])
        if (partition < partitions) owners[partition] ??= id
    }
  }
  return owners
}

/** The member of each partition. */
function dealRange(partitions: number, before: readonly (string | undefined)[], members: readonly string[]): string[] {
  const share = Math.floor(partitions / members.length)
  let extras = partitions % members.length
  const kept = new Map(members.map(id => [id, [] as number[]]))
  for (let partition = 0; partition < partitions; partition++) {
    const owner = before[partition]
    if (owner !== undefined) kept.get(owner)!.push(partition)
  }
  const quotas = new Map<string, number>()
  // The odd ones stay where they are; what is left of them goes to the first in line.
  for (const id of members) if (kept.get(id)!.length > share && extras-- > 0) quotas.set(id, share + 1)
  for (const id of members) if (!quotas.has(id)) quotas.set(id, share + (extras-- > 0 ? 1 : 0))
  const owners: string[] = new Array(partitions)
  for (const [id, list] of kept) for (const partition of list.slice(0, quotas.get(id))) owners[partition] = id
  let next = 0
  for (const id of members) {
    for (let open = quotas.get(id)! - kept.get(id)!.length; open > 0; open--) {
      while (owners[next] !== undefined) next++
      owners[next] = id
    }
  }
  return owners
}
