/** Sets of partitions, as members own, report and are promised them: topic id → partitions. Values; nobody changes one that he was given. */

/** Partitions of one topic: a set of them, or a map from them to something. */
interface Indexes {
  readonly size: number
  has(partition: number): boolean
  keys(): Iterable<number>
}

export type Places = ReadonlyMap<string, Indexes>
export type TopicPartitions = ReadonlyMap<string, ReadonlySet<number>>
/** Of each partition the epoch in which the member got it. */
export type OwnedPartitions = ReadonlyMap<string, ReadonlyMap<number, number>>

/** As messages and records write them. */
export interface WireTopic {
  topicId: string
  partitions: number[]
}

export const nowhere: ReadonlyMap<string, never> = new Map<string, never>()

export const holds = (places: Places, topicId: string, partition: number): boolean =>
  places.get(topicId)?.has(partition) === true

export function isWithin(some: Places, all: Places): boolean {
  for (const [topicId, partitions] of some) {
    const others = all.get(topicId)
    for (const partition of partitions.keys()) if (!others?.has(partition)) return false
  }
  return true
}

export function overlaps(one: Places, other: Places): boolean {
  for (const [topicId, partitions] of one) {
    const others = other.get(topicId)
    if (others) for (const partition of partitions.keys()) if (others.has(partition)) return true
  }
  return false
}

export const samePlaces = (one: Places, other: Places): boolean =>
  one === other || (placesIn(one) === placesIn(other) && isWithin(one, other))

export function placesIn(places: Places): number {
  let count = 0
  for (const partitions of places.values()) count += partitions.size
  return count
}

/** The same partitions, got in the same epochs. */
export function sameOwned(one: OwnedPartitions, other: OwnedPartitions): boolean {
  if (one === other) return true
  if (placesIn(one) !== placesIn(other)) return false
  for (const [topicId, partitions] of one)
    for (const [partition, epoch] of partitions) if (other.get(topicId)?.get(partition) !== epoch) return false
  return true
}

export function toWire(places: Places): WireTopic[] {
  return Array.from(places, ([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()].sort((one, other) => one - other),
  }))
}

export function fromWire(topics: Iterable<{ topicId: string; partitions: readonly number[] }>): TopicPartitions {
  const places = new Map<string, Set<number>>()
  for (const { topicId, partitions } of topics) for (const partition of partitions) addTo(places, topicId, partition)
  return places
}

export function ownedSince(places: Places, epoch: number): OwnedPartitions {
  const owned = new Map<string, Map<number, number>>()
  for (const [topicId, partitions] of places)
    owned.set(topicId, new Map(Array.from(partitions.keys(), partition => [partition, epoch])))
  return owned
}

export function addTo(places: Map<string, Set<number>>, topicId: string, partition: number): void {
  const partitions = places.get(topicId)
  if (partitions) partitions.add(partition)
  else places.set(topicId, new Set([partition]))
}
