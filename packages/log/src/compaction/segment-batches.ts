/** The batches of a closed segment, one after the other, a piece of the file at a time; every byte is checked. */
import { CorruptionError } from '@odradek/protocol/errors'
import { type BatchHeader, hasValidCrc, readBatch } from '@odradek/protocol/records'
import type { DiskFile } from '@odradek/world'
import { batchOverhead, batchSizeAt } from '../segment/batch-fields.ts'
import { type PieceBuffer, pieceSize } from './piece-buffer.ts'

export interface SegmentVisit {
  /** False: it has seen enough. */
  batch(header: BatchHeader, bytes: Uint8Array): boolean | undefined
  /** After the batches of each piece, of so many bytes. */
  piece(bytes: number): Promise<void>
}

/** What the visit sees of a piece is there until it returns from `piece`. */
export async function visitBatches(
  file: DiskFile,
  size: number,
  buffer: PieceBuffer,
  visit: SegmentVisit,
): Promise<void> {
  let wanted = pieceSize
  for (let position = 0; position < size; ) {
    const length = Math.min(wanted, size - position)
    const bytes = await file.read(position, length, buffer.whole(length))
    let at = 0
    let goesOn: boolean | undefined
    while (bytes.length - at >= batchOverhead && goesOn !== false) {
      if (batchSizeAt(bytes, at) > bytes.length - at) break
      const header = checked(file, position, bytes, at)
      goesOn = visit.batch(header, bytes)
      at = header.end
    }
    await visit.piece(at)
    if (goesOn === false) return
    wanted = at > 0 ? pieceSize : nextWanted(file, position, bytes, size)
    position += at
  }
}

function nextWanted(file: DiskFile, position: number, bytes: Uint8Array, size: number): number {
  const wanted = bytes.length >= batchOverhead ? batchSizeAt(bytes, 0) : Number.POSITIVE_INFINITY
  if (wanted > size - position) throw damage(file, position, 'a batch is cut off')
  return wanted
}

function checked(file: DiskFile, position: number, bytes: Uint8Array, at: number): BatchHeader {
  if (!hasValidCrc(bytes, at)) throw damage(file, position + at, 'a batch does not match its checksum')
  return readBatch(bytes, at)
}

const damage = (file: DiskFile, position: number, reason: string): CorruptionError =>
  new CorruptionError(`${file.path} is damaged at byte ${position}: ${reason}`, { file: file.path, position })
