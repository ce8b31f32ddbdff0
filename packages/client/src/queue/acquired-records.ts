/**
 * What one ShareFetch brought of one partition: the broker answers with whole batches, and says which of their records are ours and how
 * often each has been delivered. Offsets that are ours and have no record (markers of transactions, compacted away) must be
 * acknowledged as gaps; records that are damaged are rejected.
 */
import { CorruptionError, decodeRecords, eachBatch, hasValidCrc, KafkaError, type LazyRecord } from '@odradek/protocol'

export interface AcquiredRange {
  readonly firstOffset: number
  readonly lastOffset: number
  readonly deliveryCount: number
}

export interface AcquiredRecord {
  readonly raw: LazyRecord
  readonly offset: number
  readonly deliveryCount: number
}

export interface Acquired {
  readonly records: AcquiredRecord[]
  readonly gaps: number[]
  readonly damaged: number[]
  readonly damage: KafkaError | undefined
}

export function readAcquired(bytes: Uint8Array | null, ranges: readonly AcquiredRange[]): Acquired {
  const records: AcquiredRecord[] = []
  const gaps: number[] = []
  const damaged: number[] = []
  const inOrder = ranges.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const found = new FoundRecords(bytes ?? new Uint8Array())
  for (const { firstOffset, lastOffset, deliveryCount } of inOrder) {
    for (let offset = firstOffset; offset <= lastOffset; offset++) {
      const raw = found.at(offset)
      if (raw === 'damaged') damaged.push(offset)
      else if (raw) records.push({ raw, offset, deliveryCount })
      else gaps.push(offset)
    }
  }
  return { records, gaps, damaged, damage: found.damage }
}

/** Walks through the bytes once, asked for offsets in rising order. */
class FoundRecords {
  damage: KafkaError | undefined
  readonly #records: Iterator<LazyRecord>
  #next: LazyRecord | undefined
  readonly #damaged: { from: number; to: number }[] = []

  constructor(bytes: Uint8Array) {
    this.#records = this.#walk(bytes)
    this.#next = this.#records.next().value
  }

  at(offset: number): LazyRecord | 'damaged' | undefined {
    while (this.#next !== undefined && this.#next.offset < offset) this.#next = this.#records.next().value
    if (this.#next?.offset === offset) return this.#next
    return this.#damaged.some(({ from, to }) => from <= offset && offset <= to) ? 'damaged' : undefined
  }

  *#walk(bytes: Uint8Array): Generator<LazyRecord, undefined> {
    for (const batch of eachBatch(bytes)) {
      if (batch.isControl) continue
      try {
        if (!hasValidCrc(bytes, batch.at)) throw new CorruptionError('a batch does not match its checksum')
        yield* decodeRecords(bytes, batch.at)
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        this.damage = error
        this.#damaged.push({ from: batch.baseOffset, to: batch.lastOffset })
      }
    }
  }
}
