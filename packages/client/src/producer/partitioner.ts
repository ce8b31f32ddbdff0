/** Where a record without an explicit partition goes: by its key, as Kafka's Java client does it; without a key, see `stickyPartition`. */
import type { Random } from '@odradek/world'
import { murmur2 } from './murmur2.ts'

export interface PartitionerInput {
  readonly topic: string
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly partitionCount: number
}

/** Undefined: let the default decide. */
export type Partitioner = (input: PartitionerInput) => number | undefined

export function partitionOfKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitionCount
}

/**
 * Records without a key stay with one partition until its batch is full, then move to another (KIP-480): few large batches instead
 * of many small ones. Partitions without a leader are passed over while any has one.
 */
export function stickyPartition(previous: number, leaders: readonly number[], random: Random): number {
  const count = leaders.length
  const candidates: number[] = []
  for (let partition = 0; partition < count; partition++) {
    if (leaders[partition]! >= 0 && partition !== previous) candidates.push(partition)
  }
  if (candidates.length > 0) return candidates[random.int(candidates.length)]!
  return previous >= 0 && previous < count ? previous : random.int(count)
}
