/**
 * MurmurHash2 (32 bit, Austin Appleby) with the seed Kafka's Java client uses, so that equal keys go to equal partitions whoever
 * writes them. Four bytes at a time, little-endian; all arithmetic is modulo 2^32.
 */
const seed = 0x9747b28c
const m = 0x5bd1e995

export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  const tail = length & ~3
  let h = seed ^ length
  for (let at = 0; at < tail; at += 4) {
    let k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    k = Math.imul(k, m)
    k = Math.imul(k ^ (k >>> 24), m)
    h = Math.imul(h, m) ^ k
  }
  const rest = length - tail
  if (rest >= 3) h ^= bytes[tail + 2]! << 16
  if (rest >= 2) h ^= bytes[tail + 1]! << 8
  if (rest >= 1) h = Math.imul(h ^ bytes[tail]!, m)
  h = Math.imul(h ^ (h >>> 13), m)
  return h ^ (h >>> 15)
}
