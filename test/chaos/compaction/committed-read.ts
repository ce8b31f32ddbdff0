/** Everything that a consumer of committed records gets of a partition: aborted batches and markers are passed over, as clients do. */
import type { LogEngine } from '@odradek/log'
import { decodeControlBatch, decodeRecords, eachBatch } from '@odradek/protocol'
import type { Found } from './keyed-model.ts'

export async function readCommitted(engine: LogEngine, partition: number): Promise<Found[]> {
  const found: Found[] = []
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString())
  for (let offset = 0; ; ) {
    const [result] = await engine.read([{ partition, offset, maxBytes: 1e9, isolation: 'stable' }], {
      maxBytes: 1e9,
      minOne: true,
    })
    if (!result!.ok) throw new Error(`reading partition ${partition} at ${offset} gives error ${result!.error}`)
    const waiting = [...(result!.aborted ?? [])].sort((a, b) => a.firstOffset - b.firstOffset)
    const aborting = new Set<bigint>()
    const from = offset
    for (const chunk of result!.chunks)
      for (const batch of eachBatch(chunk)) {
        const end = batch.baseOffset + batch.lastOffsetDelta + 1
        while (waiting.length > 0 && waiting[0]!.firstOffset < end) aborting.add(waiting.shift()!.producerId)
        offset = Math.max(offset, end)
        if (batch.isControl) {
          if (batch.recordCount > 0 && decodeControlBatch(chunk, batch.at).type === 'abort')
            aborting.delete(batch.producerId)
        } else if (!(batch.isTransactional && aborting.has(batch.producerId)))
          for (const record of decodeRecords(chunk, batch.at))
            if (record.offset >= from)
              found.push({ offset: record.offset, key: text(record.key)!, value: text(record.value) })
      }
    if (offset === from) return found
  }
}
