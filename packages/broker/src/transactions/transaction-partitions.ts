/** The partitions of a transaction: indexes by the name of their topic. Never changed. */
export type TransactionPartitions = ReadonlyMap<string, ReadonlySet<number>>

export interface NamedPartition {
  readonly topic: string
  readonly index: number
}

export const noPartitions: TransactionPartitions = new Map()

export const contains = (partitions: TransactionPartitions, { topic, index }: NamedPartition): boolean =>
  partitions.get(topic)?.has(index) ?? false

/** The partitions with these; the same object when nothing is new. */
export function withPartitions(
  partitions: TransactionPartitions,
  added: readonly NamedPartition[],
): TransactionPartitions {
  const fresh = added.filter(partition => !contains(partitions, partition))
  if (fresh.length === 0) return partitions
  const union = new Map(partitions)
  for (const { topic, index } of fresh) union.set(topic, new Set(union.get(topic)).add(index))
  return union
}

export function* eachPartition(partitions: TransactionPartitions): Iterable<NamedPartition> {
  for (const [topic, indexes] of partitions) for (const index of indexes) yield { topic, index }
}

/** As requests and records write them. */
export const byTopic = (partitions: TransactionPartitions): { topic: string; partitions: number[] }[] =>
  Array.from(partitions, ([topic, indexes]) => ({ topic, partitions: [...indexes] }))

/** About what they take in a record: a name and its length, four bytes for each index. Not less than that. */
export function bytesOf(partitions: TransactionPartitions): number {
  let bytes = 0
  for (const [topic, indexes] of partitions) bytes += topic.length + 8 + 4 * indexes.size
  return bytes
}
