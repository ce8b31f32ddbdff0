/**
 * A partition as the scripted broker keeps it: batches in memory, with Kafka's rules for idempotent producers (the last five
 * batches of each producer are known, a gap is refused, a new epoch begins at 0), so that tests see what a real broker would do.
 */
import { decodeRecords, ErrorCodes, type LazyRecord, patchBaseOffset, readBatch } from '@odradek/protocol'

interface KnownProducer {
  epoch: number
  readonly batches: { first: number; last: number; offset: number }[]
}

export class PartitionModel {
  readonly batches: Uint8Array[] = []
  readonly producers = new Map<bigint, KnownProducer>()
  logStartOffset = 0
  end = 0

  /** Appends one batch as it came off the wire. */
  append(bytes: Uint8Array): { errorCode: number; baseOffset: number } {
    const { producerId, producerEpoch, baseSequence, recordCount } = readBatch(bytes)
    if (producerId >= 0n) {
      const known = this.producers.get(producerId)
      const checked = checkSequence(known, producerEpoch, baseSequence, recordCount)
      if (checked) return checked
      const fresh = known && known.epoch === producerEpoch ? known : { epoch: producerEpoch, batches: [] }
      fresh.batches.push({ first: baseSequence, last: baseSequence + recordCount - 1, offset: this.end })
      if (fresh.batches.length > 5) fresh.batches.shift()
      this.producers.set(producerId, fresh)
    }
    const baseOffset = this.end
    const copy = Uint8Array.from(bytes)
    patchBaseOffset(copy, 0, baseOffset)
    this.batches.push(copy)
    this.end += recordCount
    return { errorCode: ErrorCodes.NONE, baseOffset }
  }

  /** What a consumer would see, oldest first. */
  records(): LazyRecord[] {
    return this.batches.flatMap(batch => [...decodeRecords(batch, 0)])
  }

  values(): string[] {
    return this.records().map(record => Buffer.from(record.value ?? []).toString())
  }
}

function checkSequence(
  known: KnownProducer | undefined,
  epoch: number,
  first: number,
  count: number,
): { errorCode: number; baseOffset: number } | undefined {
  const refuse = (errorCode: number) => ({ errorCode, baseOffset: -1 })
  if (!known) return undefined
  if (epoch < known.epoch) return refuse(ErrorCodes.INVALID_PRODUCER_EPOCH)
  if (epoch > known.epoch) return first === 0 ? undefined : refuse(ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
  const duplicate = known.batches.find(batch => batch.first === first && batch.last === first + count - 1)
  if (duplicate) return { errorCode: ErrorCodes.NONE, baseOffset: duplicate.offset }
  const last = known.batches.at(-1)!.last
  return first === last + 1 ? undefined : refuse(ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
}
