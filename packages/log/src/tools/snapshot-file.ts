/** A snapshot of a partition's producers, as a file to look at. */
import { decodeSnapshot } from '../producers/producer-snapshot.ts'
import type { DumpRow } from './dump-row.ts'
import type { Problem } from './finding.ts'

export function snapshotProblems(bytes: Uint8Array, offset: number): Problem[] {
  if (decodeSnapshot(bytes, offset) !== undefined) return []
  return [{ code: 'snapshot-damaged', byte: 0, problem: `it is no whole snapshot as of offset ${offset}` }]
}

export function* snapshotRows(bytes: Uint8Array, offset: number): Iterable<DumpRow> {
  for (const { producerId, epoch, lastSeen, window, ...more } of decodeSnapshot(bytes, offset) ?? []) {
    yield {
      producerId: String(producerId),
      epoch,
      lastSeen,
      batches: window.map(batch => `${batch.firstSequence}-${batch.lastSequence}@${batch.baseOffset}`),
      ...plain(more),
    }
  }
}

/** What later versions of a snapshot know besides. */
const plain = (fields: object): DumpRow =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'bigint' ? String(value) : value]),
  )
