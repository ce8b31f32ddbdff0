/**
 * What waits to be written to a coordinator's topic, and which of it goes into the next append: decisions without effects.
 * `CoordinatorLog` appends what comes out of it.
 */
import type { AppendBatch, PartitionId } from '@odradek/log'
import { BatchBuilder, type ErrorCode, encodeControlBatch, type RecordInput } from '@odradek/protocol'
import type { Image, Marker, RecordKind, TransactionalProducer } from './record-kind.ts'

const batchBytes = 512 * 1024

/** A partition of the topic, and what its records add up to. */
export interface Shard<I> {
  readonly partition: PartitionId
  image: I
  /** Its log cannot be read, so nothing can be said about what is in it. */
  isUnreadable: boolean
}

interface Waiting {
  done(error: ErrorCode): void
  fail(reason: unknown): void
}

export interface RecordsWrite<R, I> extends Waiting {
  readonly key: string
  /** Made from the image as it is with everything applied that was asked for this key before, or known from the start. */
  readonly records: Encoded<R> | ((image: I) => readonly R[])
  /** The transaction they belong to. */
  readonly producer: TransactionalProducer | null
}

export interface MarkerWrite extends Waiting {
  readonly partition: PartitionId
  readonly marker: Marker
}

export type Write<R, I> = RecordsWrite<R, I> | MarkerWrite

/** Records and their bytes, in the same order. */
export interface Encoded<R> {
  readonly records: readonly R[]
  readonly inputs: readonly RecordInput[]
}

export function encoded<R>(kind: RecordKind<R>, records: readonly R[]): Encoded<R> {
  return { records, inputs: records.map(record => kind.encode(record)) }
}

/**
 * The writes that can go together, and those that must wait for the next append: a write that is made from the image waits for
 * everything before it under its key, and for markers, which may change what is stored under any; and whatever comes after one that
 * waits, and must not overtake it, waits, too.
 */
export function firstRound<R, I>(waiting: readonly Write<R, I>[]): { go: Write<R, I>[]; stay: Write<R, I>[] } {
  const go: Write<R, I>[] = []
  const stay: Write<R, I>[] = []
  const going = new Set<string>()
  const staying = new Set<string>()
  let hasMarker = false
  for (const [i, write] of waiting.entries()) {
    if ('marker' in write) {
      if (stay.length > 0) return { go, stay: [...stay, ...waiting.slice(i)] }
      hasMarker = true
      go.push(write)
      continue
    }
    const { key, records } = write
    const mustWait = staying.has(key) || (typeof records === 'function' && (hasMarker || going.has(key)))
    ;(mustWait ? staying : going).add(key)
    ;(mustWait ? stay : go).push(write)
  }
  return { go, stay }
}

/** One batch of an append: records of one kind, or a marker. */
export interface Batch<R, I> {
  readonly shard: Shard<I>
  readonly producer: TransactionalProducer | null
  readonly marker: Marker | null
  readonly builder: BatchBuilder
  /** What takes effect, and who is told, when the batch is durable. */
  readonly records: R[]
  readonly writes: Write<R, I>[]
}

/** Batches in the order of the writes. The records of a write stay together; what cannot be encoded fails alone. */
export function gather<R, I>(
  writes: readonly Write<R, I>[],
  o: { kind: RecordKind<R>; shardOf: (write: Write<R, I>) => Shard<I>; now: number },
): Batch<R, I>[] {
  const byShard = new Map<Shard<I>, Batch<R, I>[]>()
  for (const write of writes) {
    const shard = o.shardOf(write)
    let batches = byShard.get(shard)
    if (!batches) byShard.set(shard, (batches = []))
    if ('marker' in write) batches.push(emptyBatch(shard, write, null, write.marker))
    else addRecords(batches, shard, write, o)
  }
  return [...byShard.values()].flat()
}

function addRecords<R, I>(
  batches: Batch<R, I>[],
  shard: Shard<I>,
  write: RecordsWrite<R, I>,
  { kind, now }: { kind: RecordKind<R>; now: number },
): void {
  const wanted = encodedFor(write, shard.image, kind)
  if (wanted === null) return
  if (wanted.records.length === 0) {
    write.done(0)
    return
  }
  const batch = roomFor(batches, shard, write)
  for (const input of wanted.inputs) batch.builder.append(input, now)
  batch.records.push(...wanted.records)
}

function encodedFor<R, I>(write: RecordsWrite<R, I>, image: I, kind: RecordKind<R>): Encoded<R> | null {
  if (typeof write.records !== 'function') return write.records
  try {
    return encoded(kind, write.records(image))
  } catch (error) {
    write.fail(error)
    return null
  }
}

/** Plain writes share a batch; a transaction has batches of its own. */
function roomFor<R, I>(batches: Batch<R, I>[], shard: Shard<I>, write: RecordsWrite<R, I>): Batch<R, I> {
  const last = batches.at(-1)
  const isAlike = last !== undefined && last.marker === null && last.producer === null && write.producer === null
  if (isAlike && last.builder.sizeInBytes < batchBytes) {
    last.writes.push(write)
    return last
  }
  const batch = emptyBatch(shard, write, write.producer, null)
  batches.push(batch)
  return batch
}

function emptyBatch<R, I>(
  shard: Shard<I>,
  write: Write<R, I>,
  producer: TransactionalProducer | null,
  marker: Marker | null,
): Batch<R, I> {
  return { shard, producer, marker, builder: new BatchBuilder(1024), records: [], writes: [write] }
}

const noProducer: TransactionalProducer = { producerId: -1n, producerEpoch: -1 }

/** A marker as the engine takes it. */
export function markerBatch(partition: PartitionId, marker: Marker, now: number): AppendBatch {
  const { outcome: type, coordinatorEpoch, producerId, producerEpoch, endsEarlierEpoch = false } = marker
  const bytes = encodeControlBatch({ type, coordinatorEpoch, producerId, producerEpoch, timestamp: now })
  return {
    ...{ partition, bytes, recordCount: 1, offsetCount: 1, maxTimestamp: now, producerId, producerEpoch },
    ...{ baseSequence: -1, transactional: true, control: true, endsEarlierEpoch },
  }
}

/** As the engine takes it. Coordinators number no sequences: only the producer's epoch is looked at. */
export function appendBatch<R, I>({ shard, producer, marker, builder }: Batch<R, I>, now: number): AppendBatch {
  if (marker) return markerBatch(shard.partition, marker, now)
  const { producerId, producerEpoch } = producer ?? noProducer
  const fields = { partition: shard.partition, producerId, producerEpoch, baseSequence: -1 }
  const { recordCount, maxTimestamp } = builder
  const transactional = producer !== null
  const bytes = builder.build(transactional ? { producerId, producerEpoch, baseSequence: -1, transactional } : {})
  return { ...fields, bytes, recordCount, offsetCount: recordCount, maxTimestamp, transactional, control: false }
}

/** The batch stands in the log, its first record at `baseOffset`. */
export function takeEffect<R, I extends Image<R>>(
  { shard, producer, marker, records }: Batch<R, I>,
  baseOffset: number,
) {
  const { image } = shard
  if (marker) image.release?.(marker.producerId, marker.outcome)
  for (const [i, record] of records.entries()) {
    if (producer) image.hold?.(record, baseOffset + i, producer.producerId)
    else image.apply(record, baseOffset + i)
  }
}
