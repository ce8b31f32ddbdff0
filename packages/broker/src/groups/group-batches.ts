/**
 * Writes of groups, gathered into record batches: a decision without effects. `LogGroupStore` appends what comes out of it.
 */
import type { PartitionId } from '@odradek/log'
import { BatchBuilder, type ErrorCode, type RecordInput } from '@odradek/protocol'
import type { GroupImage } from './group-image.ts'
import type { GroupRecord } from './group-records.ts'

const batchBytes = 512 * 1024

/** A partition of `__consumer_offsets`, and what its records add up to. */
export interface Shard {
  readonly partition: PartitionId
  image: GroupImage
  /** Its log cannot be read, so nothing can be said about its groups. */
  isUnreadable: boolean
}

export interface Write {
  readonly groupId: string
  /** It needs to see everything asked for before it. */
  readonly isRemoval: boolean
  records(image: GroupImage): readonly WriteRecord[]
  done(error: ErrorCode): void
}

export interface WriteRecord {
  readonly input: RecordInput
  /** The same, as the image takes it. */
  readonly record: GroupRecord
}

export interface Batch {
  readonly shard: Shard
  readonly builder: BatchBuilder
  /** What takes effect, and who is told, when the batch is durable. */
  readonly records: GroupRecord[]
  readonly writes: Write[]
}

/** The writes that can go together: a removal is built from what is there, so it must be the first. */
export function firstRound(waiting: readonly Write[]): Write[] {
  const removal = waiting.findIndex((write, i) => i > 0 && write.isRemoval)
  return waiting.slice(0, removal === -1 ? waiting.length : removal)
}

/** One batch per shard, or more when it gets large; the records of a write stay together. */
export function gather(writes: readonly Write[], shardOf: (groupId: string) => Shard, now: number): Batch[] {
  const byShard = new Map<Shard, Batch[]>()
  for (const write of writes) {
    const shard = shardOf(write.groupId)
    let batches = byShard.get(shard)
    if (!batches) byShard.set(shard, (batches = []))
    const batch = roomFor(batches, shard)
    for (const { input, record } of write.records(shard.image)) {
      batch.builder.append(input, now)
      batch.records.push(record)
    }
    batch.writes.push(write)
  }
  return [...byShard.values()].flat()
}

function roomFor(batches: Batch[], shard: Shard): Batch {
  const last = batches.at(-1)
  if (last && last.builder.sizeInBytes < batchBytes) return last
  const batch: Batch = { shard, builder: new BatchBuilder(1024), records: [], writes: [] }
  batches.push(batch)
  return batch
}
