/** The checkpoint, as a file to look at: every copy of every slot, and what the slots say together. */
import { checkHeader, clockKey, copySize, decodeCopy, headerSize, slotSize } from '../folder/checkpoint.ts'
import type { Problem } from './finding.ts'

export interface CheckpointCopy {
  readonly slot: number
  readonly copy: 0 | 1
  readonly byte: number
  /** `empty`: never written. */
  readonly state: 'valid' | 'empty' | 'damaged'
  /** Topic id and partition; undefined: a free slot, or not valid. */
  readonly key: string | undefined
  readonly sequence: number
  readonly durableOffset: number
  readonly logStartOffset: number
}

export interface PartitionEnds {
  readonly durableOffset: number
  readonly logStartOffset: number
}

/** Throws a UsageError when this is no checkpoint that can be read. */
export function checkpointCopies(bytes: Uint8Array, path: string): CheckpointCopy[] {
  checkHeader(bytes, path)
  const copies: CheckpointCopy[] = []
  for (let slot = 0, at = headerSize; at < bytes.length; slot++, at += slotSize)
    for (const copy of [0, 1] as const) if (at + copy * copySize < bytes.length) copies.push(copyAt(bytes, slot, copy))
  return copies
}

function copyAt(bytes: Uint8Array, slot: number, copy: 0 | 1): CheckpointCopy {
  const byte = headerSize + slot * slotSize + copy * copySize
  const found = decodeCopy(bytes, byte, slot)
  const isEmpty = bytes.subarray(byte, byte + copySize).every(each => each === 0)
  const state = found !== undefined ? 'valid' : isEmpty ? 'empty' : 'damaged'
  const { key, sequence = 0, durableOffset = 0, logStartOffset = 0 } = found ?? { key: undefined }
  return { slot, copy, byte, state, key, sequence, durableOffset, logStartOffset }
}

/** By topic id and partition; of each slot the newer copy that is valid. */
export function partitionEnds(copies: readonly CheckpointCopy[]): Map<string, PartitionEnds> {
  const newest = new Map<number, CheckpointCopy>()
  for (const copy of copies) {
    const other = newest.get(copy.slot)
    if (copy.state === 'valid' && (other === undefined || (other.sequence - copy.sequence) >> 0 <= 0))
      newest.set(copy.slot, copy)
  }
  const ends = new Map<string, PartitionEnds>()
  for (const copy of newest.values()) if (copy.key !== undefined && copy.key !== clockKey) ends.set(copy.key, copy)
  return ends
}

export function checkpointProblems(copies: readonly CheckpointCopy[]): Problem[] {
  return copies
    .filter(({ state }) => state === 'damaged')
    .map(({ slot, copy, byte }) => {
      const other = copies.find(each => each.slot === slot && each.copy !== copy)
      const code = other?.state === 'valid' ? 'slot-damaged' : 'checkpoint-damaged'
      return { code, byte, bytes: copySize, problem: `copy ${copy} of slot ${slot} does not match its checksum` }
    })
}
