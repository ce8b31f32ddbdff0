/**
 * Which partition of `__consumer_offsets` (of `shards`) holds a group: Kafka's mapping, which its tools and clients compute too. The
 * hash is that of Java's String, over UTF-16 units, without its sign bit.
 */
export function groupShard(groupId: string, shards: number): number {
  let hash = 0
  for (let i = 0; i < groupId.length; i++) hash = (Math.imul(hash, 31) + groupId.charCodeAt(i)) | 0
  return (hash & 0x7fffffff) % shards
}
