import { DecodeError } from '../../errors.ts'
import { readInt32, writeInt32 } from '../batch-layout.ts'
import { CopyTarget } from './copy-target.ts'
import { maxBlockBytes } from './match-finder.ts'
import { readSnappyBlock, snappyBound, snappyLength, writeSnappyBlock } from './snappy-block.ts'

/*
 * Snappy as Kafka's clients write it: blocks in the framing of the Java library "xerial", or, from some, one bare block.
 *
 *     82 'SNAPPY' 00 · version int32 1 · oldest compatible version int32 1 · { length int32 · block }…       (big-endian)
 *
 * Streams may follow one another, so the magic can come again where a length is expected; no length begins with 82.
 */

const magic = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00)
const headerBytes = 16

export function snappy(bytes: Uint8Array): Uint8Array {
  const blocks = Math.ceil(bytes.length / maxBlockBytes)
  const out = new Uint8Array(headerBytes + blocks * (4 + snappyBound(maxBlockBytes)))
  out.set(magic)
  writeInt32(out, 8, 1)
  writeInt32(out, 12, 1)
  let at = headerBytes
  for (let from = 0; from < bytes.length; from += maxBlockBytes) {
    const end = writeSnappyBlock(bytes, from, Math.min(bytes.length, from + maxBlockBytes), out, at + 4)
    writeInt32(out, at, end - at - 4)
    at = end
  }
  return out.subarray(0, at)
}

export function unsnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  let total = 0
  for (const block of eachBlock(bytes)) total += block.length
  if (total > maxBytes)
    throw new DecodeError(`snappy records decompress to ${total} bytes, more than the ${maxBytes} allowed`)
  const out = new CopyTarget(new Uint8Array(total))
  let at = 0
  for (const { from, to, length } of eachBlock(bytes)) {
    readSnappyBlock(bytes, from, to, out, at, at + length)
    at += length
  }
  return out.bytes
}

interface Block {
  readonly from: number
  readonly to: number
  /** Decompressed, by the block's own word. */
  readonly length: number
}

function* eachBlock(bytes: Uint8Array): Generator<Block, void, undefined> {
  if (!hasMagic(bytes, 0)) {
    yield { from: 0, to: bytes.length, length: snappyLength(bytes, 0, bytes.length) }
    return
  }
  let at = 0
  while (at < bytes.length) {
    if (hasMagic(bytes, at)) {
      if (bytes.length - at < headerBytes) throw new DecodeError('a snappy stream ends within its header')
      at += headerBytes
      continue
    }
    const size = bytes.length - at < 4 ? -1 : readInt32(bytes, at)
    const from = at + 4
    if (size < 0 || size > bytes.length - from)
      throw new DecodeError(`a snappy stream has a block of ${size} bytes at byte ${at} of ${bytes.length}`)
    at = from + size
    yield { from, to: at, length: snappyLength(bytes, from, at) }
  }
}

function hasMagic(bytes: Uint8Array, at: number): boolean {
  if (bytes.length - at < magic.length) return false
  for (let i = 0; i < magic.length; i++) if (bytes[at + i] !== magic[i]) return false
  return true
}
