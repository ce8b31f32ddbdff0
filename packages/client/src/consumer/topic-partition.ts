/** One partition of a topic by name, and how it is written in logs and map keys: `orders-3`. */
export interface TopicPartition {
  topic: string
  partition: number
}

/** A map key. Unambiguous, because the partition is the part after the last hyphen. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

export function keyOf(at: TopicPartition): string {
  return partitionKey(at.topic, at.partition)
}

/** By topic name, then by number. */
export function byTopicAndPartition(a: TopicPartition, b: TopicPartition): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1
}

/** The form in which the protocol names partitions: each topic once, with the numbers of its partitions. */
export function groupByTopic(partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const numbers = topics.get(topic)
    if (numbers) numbers.push(partition)
    else topics.set(topic, [partition])
  }
  return Array.from(topics, ([topic, numbers]) => ({ topic, partitions: numbers }))
}

/** What is in `left` and not in `right`, in the order of `left`. */
export function without(left: readonly TopicPartition[], right: readonly TopicPartition[]): TopicPartition[] {
  const taken = new Set(right.map(keyOf))
  return left.filter(at => !taken.has(keyOf(at)))
}
