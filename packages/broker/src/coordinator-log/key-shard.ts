/**
 * Which partition (of `shards`) of a coordinator's topic holds what belongs to a key (a group id, a transactional id): Kafka's mapping,
 * which its tools and clients compute too. The hash is that of Java's String, over UTF-16 units, without its sign bit.
 */
export function keyShard(key: string, shards: number): number {
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0
  return (hash & 0x7fffffff) % shards
}
