/** A segment's sidecar, as a file to look at. */
import { decodeSidecarHead, decodeSidecarIndex, type SidecarHead } from '../segment/segment-sidecar.ts'
import type { SparseIndex } from '../segment/sparse-index.ts'
import type { DumpRow } from './dump-row.ts'
import type { Problem } from './finding.ts'

export interface Sidecar {
  readonly head: SidecarHead
  readonly index: SparseIndex
}

/** Undefined when it is damaged. */
export function readSidecar(bytes: Uint8Array): Sidecar | undefined {
  const head = decodeSidecarHead(bytes)
  if (head === undefined) return undefined
  try {
    return { head, index: decodeSidecarIndex(bytes, '') }
  } catch {
    return undefined
  }
}

export function sidecarProblems(bytes: Uint8Array, baseOffset: number | undefined): Problem[] {
  const head = decodeSidecarHead(bytes)
  if (head === undefined) return [{ code: 'sidecar-damaged', byte: 0, problem: 'its head does not match its checksum' }]
  if (readSidecar(bytes) === undefined)
    return [{ code: 'sidecar-damaged', byte: 72, problem: 'its entries do not match their checksum' }]
  if (baseOffset !== undefined && head.baseOffset !== baseOffset)
    return [{ code: 'sidecar-damaged', byte: 24, problem: `it describes a segment from offset ${head.baseOffset} on` }]
  return []
}

export function* sidecarRows(bytes: Uint8Array): Iterable<DumpRow> {
  const sidecar = readSidecar(bytes)
  if (sidecar === undefined) return
  const { epochs, entriesCrc: _, ...head } = sidecar.head
  yield { ...head, epochs: epochs.map(({ epoch, startOffset }) => `${epoch}@${startOffset}`) }
  for (let i = 0; i < sidecar.index.length; i++) {
    const { relativeOffset, position, maxTimestampBefore } = sidecar.index.entry(i)
    yield { entry: i, offset: head.baseOffset + relativeOffset, position, maxTimestampBefore }
  }
}
