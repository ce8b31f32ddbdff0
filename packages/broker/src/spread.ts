import type { BrokerServices } from './handler.ts'

/** Which node leads what, when one process presents several: evenly, and the same after every restart. */
export function spread(nodeIds: readonly number[]): Pick<BrokerServices, 'leaderOf' | 'coordinatorOf'> {
  const count = nodeIds.length
  return {
    leaderOf: partition => nodeIds[partition % count]!,
    coordinatorOf: key => nodeIds[hashOf(key) % count]!,
  }
}

/** Java's String.hashCode without its sign, as Kafka uses it for the same purpose. */
function hashOf(key: string): number {
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0
  return hash & 0x7fffffff
}
