/** What a consumer of committed records makes of what it reads, as clients do it (KIP-98). */
import { decodeControlBatch, decodeRecords, eachBatch } from '@odradek/protocol'
import type { LogEngine } from '../engine.ts'

export interface SeenRecord {
  readonly offset: number
  readonly key: string
  readonly value: string | null
}

const text = new TextDecoder()

/** Reads a partition from its start to the last stable offset. Records of aborted transactions are left out. */
export async function committedView(engine: LogEngine, partition: number, maxBytes = 600): Promise<SeenRecord[]> {
  const seen: SeenRecord[] = []
  const [start] = await engine.state([partition])
  for (let offset = start!.logStartOffset; ; ) {
    const request = { partition, offset, maxBytes, isolation: 'stable' as const }
    const [result] = await engine.read([request], { maxBytes, minOne: true })
    if (result === undefined || !result.ok) throw new Error(`cannot read at ${offset}: ${JSON.stringify(result)}`)
    if (result.chunks.length === 0) return seen
    const aborted = [...result.aborted!]
    const skipped = new Set<bigint>()
    for (const chunk of result.chunks) {
      for (const batch of eachBatch(chunk)) {
        while (aborted.length > 0 && aborted[0]!.firstOffset <= batch.lastOffset)
          skipped.add(aborted.shift()!.producerId)
        const from = offset
        offset = Math.max(offset, batch.lastOffset + 1)
        if (batch.isControl) {
          if (batch.recordCount > 0 && decodeControlBatch(chunk, batch.at).type === 'abort')
            skipped.delete(batch.producerId)
        } else if (!(batch.isTransactional && skipped.has(batch.producerId))) {
          for (const record of decodeRecords(chunk, batch.at)) {
            const value = record.value && text.decode(record.value)
            if (record.offset >= from) seen.push({ offset: record.offset, key: text.decode(record.key!), value })
          }
        }
      }
    }
  }
}
