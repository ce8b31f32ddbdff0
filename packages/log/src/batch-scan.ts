/**
 * Goes through a segment batch by batch, reading a piece at a time, until its end or the first bytes that are no batch.
 */
import { type BatchHeader, readBatch } from '@odradek/protocol'
import type { DiskFile } from '@odradek/world'
import { batchOverhead, batchSizeAt } from './batch-fields.ts'

export interface ScanEnd {
  /** After the last good batch. */
  position: number
  nextOffset: number
  /** Why it went no further: what is wrong with the bytes there, or what the visitor said. Undefined at the end of the file. */
  stopped: string | undefined
}

/** Sees each batch with the bytes it stands in. A reason ends the scan before this batch. */
export type VisitBatch = (header: BatchHeader, bytes: Uint8Array, position: number) => string | undefined

const pieceSize = 1024 * 1024

/** From a batch that begins at `position` and holds `nextOffset` or a later one. */
export async function scanBatches(
  file: DiskFile,
  position: number,
  nextOffset: number,
  visit: VisitBatch,
): Promise<ScanEnd> {
  const end: ScanEnd = { position, nextOffset, stopped: undefined }
  const size = file.size
  let wanted = pieceSize
  while (end.position < size && end.stopped === undefined) {
    const bytes = await file.read(end.position, Math.min(wanted, size - end.position))
    const pieceEnd = scanPiece(bytes, end, visit)
    const left = bytes.length - pieceEnd
    if (end.stopped !== undefined || left === 0) continue
    const next = left < batchOverhead ? batchOverhead : batchSizeAt(bytes, pieceEnd)
    if (next > size - end.position) end.stopped = `a batch of ${next} bytes is cut off after ${size - end.position}`
    wanted = Math.max(pieceSize, next)
  }
  return end
}

/** Moves `end` past the whole batches of this piece; returns how many of its bytes they take. */
function scanPiece(bytes: Uint8Array, end: ScanEnd, visit: VisitBatch): number {
  let at = 0
  while (bytes.length - at >= batchOverhead) {
    const header = headerAt(bytes, at, end)
    if (header === undefined || header.end > bytes.length) return at
    end.stopped = visit(header, bytes, end.position)
    if (end.stopped !== undefined) return at
    at = header.end
    end.position += header.sizeInBytes
    end.nextOffset = header.lastOffset + 1
  }
  return at
}

function headerAt(bytes: Uint8Array, at: number, end: ScanEnd): BatchHeader | undefined {
  try {
    const header = readBatch(bytes, at)
    if (header.baseOffset >= end.nextOffset) return header
    end.stopped = `a batch has offset ${header.baseOffset} where ${end.nextOffset} or more was expected`
  } catch (error) {
    end.stopped = (error as Error).message
  }
  return undefined
}
