import type { Uuid } from '@odradek/log'
import type { Assignment } from './share-group.ts'

/**
 * Kafka's `simple` assignor: every partition has equally many members, as many as it takes for every member to have something.
 *
 *     3 members, 2 partitions    A: 0 1    B: 0    C: 1
 *
 * Where all members want the same topics, their partitions are dealt out as one; else topic by topic, each among those who want it. Members keep what
 * they have as far as that is fair.
 */
export function simpleAssignment(o: {
  readonly members: ReadonlyMap<string, { readonly topicIds: readonly Uuid[]; readonly assigned: Assignment }>
  readonly partitionsOf: (topicId: Uuid) => number
}): Map<string, Assignment> {
  const hands = new Map<string, Map<Uuid, number[]>>()
  for (const id of o.members.keys()) hands.set(id, new Map())
  for (const { memberIds, topicIds } of tables(o.members)) {
    const places = topicIds.flatMap(topicId =>
      Array.from({ length: o.partitionsOf(topicId) }, (_, index): Place => ({ topicId, index })),
    )
    for (const [id, place] of deal(memberIds, places, (id, place) => has(o.members.get(id)!.assigned, place))) {
      const hand = hands.get(id)!
      hand.set(place.topicId, [...(hand.get(place.topicId) ?? []), place.index])
    }
  }
  for (const hand of hands.values()) for (const partitions of hand.values()) partitions.sort((a, b) => a - b)
  return hands
}

interface Place {
  readonly topicId: Uuid
  readonly index: number
}

const has = (assigned: Assignment, { topicId, index }: Place): boolean =>
  assigned.get(topicId)?.includes(index) ?? false

/** Who deals which topics among themselves. */
function tables(
  members: ReadonlyMap<string, { readonly topicIds: readonly Uuid[] }>,
): { memberIds: string[]; topicIds: Uuid[] }[] {
  const wanting = new Map<Uuid, string[]>()
  for (const [id, { topicIds }] of members) {
    for (const topicId of new Set(topicIds)) {
      const ids = wanting.get(topicId)
      if (ids) ids.push(id)
      else wanting.set(topicId, [id])
    }
  }
  const isHomogeneous = [...wanting.values()].every(ids => ids.length === members.size)
  if (isHomogeneous) return [{ memberIds: [...members.keys()], topicIds: [...wanting.keys()] }]
  return Array.from(wanting, ([topicId, memberIds]) => ({ memberIds, topicIds: [topicId] }))
}

function* deal(
  memberIds: readonly string[],
  places: readonly Place[],
  had: (id: string, place: Place) => boolean,
): Iterable<[string, Place]> {
  if (memberIds.length === 0 || places.length === 0) return
  const sharers = Math.ceil(memberIds.length / places.length)
  const least = Math.floor((places.length * sharers) / memberIds.length)
  const over = (places.length * sharers) % memberIds.length
  const room = new Map(memberIds.map((id, i) => [id, least + (i < over ? 1 : 0)]))
  const holders = places.map(place => {
    const kept = memberIds.filter(id => room.get(id)! > 0 && had(id, place)).slice(0, sharers)
    for (const id of kept) room.set(id, room.get(id)! - 1)
    return kept
  })
  const counts = new Map(memberIds.map(id => [id, 0]))
  for (const kept of holders) for (const id of kept) counts.set(id, counts.get(id)! + 1)
  for (const [i, place] of places.entries()) {
    const taken = holders[i]!
    while (taken.length < sharers) {
      const id = poorest(memberIds, id => room.get(id)! > 0 && !taken.includes(id), counts)
      if (id === undefined) break
      taken.push(id)
      room.set(id, room.get(id)! - 1)
      counts.set(id, counts.get(id)! + 1)
    }
    for (const id of taken) yield [id, place]
  }
}

function poorest(
  ids: readonly string[],
  isFit: (id: string) => boolean,
  counts: ReadonlyMap<string, number>,
): string | undefined {
  let found: string | undefined
  for (const id of ids) if (isFit(id) && (found === undefined || counts.get(id)! < counts.get(found)!)) found = id
  return found
}
