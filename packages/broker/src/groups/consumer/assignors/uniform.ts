import { addTo, placesIn, type TopicPartitions } from '../../topic-partitions.ts'
import type { Assignments, AssignorMember, AssignorSpec } from './assignor.ts'
import { Balance } from './balance.ts'

/**
 * Everybody gets as many partitions as everybody else, one more or less, and keeps what it had as far as that allows. Where members
 * subscribe to different topics nobody has two more than somebody who could take one of them.
 */
export function uniform(spec: AssignorSpec): Assignments {
  return isHomogeneous(spec.members) ? dealEqually(spec) : dealByWish(spec)
}

function isHomogeneous(members: ReadonlyMap<string, AssignorMember>): boolean {
  let first: readonly string[] | undefined
  for (const { topics } of members.values()) {
    first ??= topics
    if (topics !== first && (topics.length !== first.length || topics.some((topic, i) => topic !== first![i])))
      return false
  }
  return true
}

type Place = readonly [topicId: string, partition: number]

function dealEqually(spec: AssignorSpec): Assignments {
  const dealt = new Map(Array.from(spec.members.keys(), id => [id, new Map<string, Set<number>>()] as const))
  const [first] = spec.members.values()
  const all = first ? placesOf(first.topics, spec) : []
  const share = Math.floor(all.length / spec.members.size)
  let extras = all.length % spec.members.size
  const kept = new Map(Array.from(spec.members, ([id, member]) => [id, stillThere(member, spec)] as const))
  const taken = new Map<string, Set<number>>()
  const open: string[] = []
  const quotas = new Map<string, number>()
  for (const id of spec.members.keys()) if (kept.get(id)!.length > share && extras-- > 0) quotas.set(id, share + 1)
  for (const id of spec.members.keys()) if (!quotas.has(id)) quotas.set(id, share + (extras-- > 0 ? 1 : 0))
  for (const [id, places] of kept) {
    let has = 0
    for (const [topicId, partition] of places) {
      if (has >= quotas.get(id)! || taken.get(topicId)?.has(partition)) continue
      addTo(dealt.get(id)!, topicId, partition)
      addTo(taken, topicId, partition)
      has++
    }
    if (has < quotas.get(id)!) open.push(id)
  }
  dealOut(
    all.filter(([topicId, partition]) => !taken.get(topicId)?.has(partition)),
    open,
    dealt,
    quotas,
  )
  return dealt
}

/** One each in turn, so that the partitions of one topic spread over those who have room. */
function dealOut(
  places: readonly Place[],
  open: readonly string[],
  dealt: ReadonlyMap<string, Map<string, Set<number>>>,
  quotas: ReadonlyMap<string, number>,
): void {
  const room = open.map(id => ({ id, left: quotas.get(id)! - placesIn(dealt.get(id)!) }))
  let hungry = room
  let turn = 0
  for (const [topicId, partition] of places) {
    if (turn >= hungry.length) {
      hungry = hungry.filter(({ left }) => left > 0)
      turn = 0
    }
    const member = hungry[turn++]!
    addTo(dealt.get(member.id)!, topicId, partition)
    member.left--
  }
}

function dealByWish(spec: AssignorSpec): Assignments {
  const balance = new Balance(spec)
  for (const [id, member] of spec.members)
    for (const [topicId, partition] of stillThere(member, spec)) balance.keep(id, topicId, partition)
  balance.assignRest()
  balance.even()
  return balance.assignments()
}

/** What a member had and may keep. In the order in which it shall keep: some of each topic rather than all of one. */
function stillThere({ topics, before }: AssignorMember, spec: AssignorSpec): Place[] {
  const wanted = new Set(topics)
  const places: Place[] = []
  for (const [topicId, partitions] of before as TopicPartitions) {
    if (!wanted.has(topicId)) continue
    for (const partition of partitions) if (partition < spec.partitionsOf(topicId)) places.push([topicId, partition])
  }
  return places.sort(byPartition)
}

function placesOf(topics: readonly string[], spec: AssignorSpec): Place[] {
  const places: Place[] = []
  for (const topicId of topics)
    for (let partition = 0; partition < spec.partitionsOf(topicId); partition++) places.push([topicId, partition])
  return places.sort(byPartition)
}

const byPartition = (one: Place, other: Place): number => one[1] - other[1] || (one[0] < other[0] ? -1 : 1)
