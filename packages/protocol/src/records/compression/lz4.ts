import { Buffer } from 'node:buffer'
import { DecodeError } from '../../errors.ts'
import { CopyTarget } from './copy-target.ts'
import { lz4Bound, readLz4Block, writeLz4Block } from './lz4-block.ts'
import { maxBlockBytes } from './match-finder.ts'
import { xxhash32 } from './xxhash32.ts'

/*
 * The lz4 frame format (little-endian).
 *
 *     magic 184D2204 · FLG · BD · [content size 8] · [dictionary id 4] · HC · { size 4 · block · [xxHash32 4] }… · 0 4 · [xxHash32 of the content 4]
 *     FLG   01 version · independent blocks · block checksums · content size · content checksum · 0 · dictionary id
 *     BD    0 · largest block (4: 64 KiB, 5: 256 KiB, 6: 1 MiB, 7: 4 MiB) · 0000
 *     HC    second byte of xxHash32 from FLG to before HC
 *     size  its highest bit set: the block is stored as it is
 *
 * Written as Kafka's Java client does: independent blocks of 64 KiB, no checksums besides HC. Read: also linked blocks, all checksums,
 * and the HC of clients before Kafka 0.10, which took it from the magic on.
 */

const magicBytes = Uint8Array.of(0x04, 0x22, 0x4d, 0x18)
const flag = {
  version: 0x40,
  independent: 0x20,
  blockChecksum: 0x10,
  contentSize: 0x08,
  contentChecksum: 0x04,
  dictionary: 0x01,
} as const
const stored = 0x8000_0000
/** A byte that lengthens a match stands for at most this many. */
const maxRatio = 255

export function lz4(bytes: Uint8Array): Uint8Array {
  const blocks = Math.ceil(bytes.length / maxBlockBytes)
  const out = new Uint8Array(7 + blocks * (4 + lz4Bound(maxBlockBytes)) + 4)
  out.set(magicBytes)
  out[4] = flag.version | flag.independent
  out[5] = 4 << 4
  out[6] = headerChecksum(out, 4, 6)
  let at = 7
  for (let from = 0; from < bytes.length; from += maxBlockBytes) {
    const to = Math.min(bytes.length, from + maxBlockBytes)
    const end = writeLz4Block(bytes, from, to, out, at + 4)
    const size = end - at - 4
    if (size < to - from) {
      writeUint32(out, at, size)
      at = end
    } else {
      writeUint32(out, at, stored + to - from)
      out.set(bytes.subarray(from, to), at + 4)
      at += 4 + to - from
    }
  }
  writeUint32(out, at, 0)
  return out.subarray(0, at + 4)
}

export function unlz4(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const frames = new FrameReader(bytes, maxBytes)
  do frames.readFrame()
  while (!frames.isAtEnd)
  return frames.content
}

interface FrameHeader {
  readonly flags: number
  readonly maxBlock: number
  readonly contentSize: number | null
}

/** Frames one after the other into one buffer, which grows with what the blocks can hold and never past the cap. */
class FrameReader {
  readonly #bytes: Uint8Array
  readonly #cap: number
  #at = 0
  #out: CopyTarget
  #done = 0

  constructor(bytes: Uint8Array, cap: number) {
    this.#bytes = bytes
    this.#cap = cap
    this.#out = new CopyTarget(Buffer.allocUnsafeSlow(Math.min(cap, bytes.length * 4)))
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  get content(): Uint8Array {
    return new Uint8Array(this.#out.bytes.buffer, this.#out.bytes.byteOffset, this.#done)
  }

  readFrame(): void {
    const { flags, maxBlock, contentSize } = this.#readHeader()
    const start = this.#done
    for (let size = this.#uint32(); size !== 0; size = this.#uint32()) this.#readBlock(size, flags, maxBlock, start)
    if (flags & flag.contentChecksum && this.#uint32() !== xxhash32(this.#out.bytes, start, this.#done))
      throw new DecodeError('the content of an lz4 frame does not match its checksum')
    if (contentSize !== null && contentSize !== this.#done - start)
      throw new DecodeError(`an lz4 frame holds ${this.#done - start} bytes; it says ${contentSize}`)
  }

  #readHeader(): FrameHeader {
    const bytes = this.#bytes
    const start = this.#at
    this.#need(7)
    if (magicBytes.some((byte, i) => bytes[start + i] !== byte))
      throw new DecodeError('lz4 records do not begin with a frame')
    const flags = bytes[start + 4]!
    const sizeCode = bytes[start + 5]! >> 4
    if ((flags & 0xc0) !== flag.version || flags & flag.dictionary || sizeCode < 4 || sizeCode > 7)
      throw new DecodeError(`an lz4 frame with flags ${flags} and block size ${sizeCode} is not one of Kafka's`)
    const size = flags & flag.contentSize ? 14 : 6
    this.#need(size + 1)
    const found = bytes[start + size]
    if (
      found !== headerChecksum(bytes, start + 4, start + size) &&
      found !== headerChecksum(bytes, start, start + size)
    )
      throw new DecodeError('the header of an lz4 frame does not match its checksum')
    this.#at = start + size + 1
    const contentSize = size === 14 ? readUint32(bytes, start + 6) + readUint32(bytes, start + 10) * 2 ** 32 : null
    return { flags, maxBlock: 1 << (8 + 2 * sizeCode), contentSize }
  }

  #readBlock(size: number, flags: number, maxBlock: number, frameStart: number): void {
    const isStored = size >= stored
    const length = isStored ? size - stored : size
    this.#need(length)
    const from = this.#at
    const to = from + length
    this.#at = to
    if (flags & flag.blockChecksum && this.#uint32() !== xxhash32(this.#bytes, from, to))
      throw new DecodeError('a block of an lz4 frame does not match its checksum')
    this.#reserve(Math.min(maxBlock, isStored ? length : length * maxRatio))
    const limit = Math.min(this.#cap, this.#done + maxBlock, this.#out.bytes.length)
    if (!isStored) {
      const window = flags & flag.independent ? this.#done : frameStart
      this.#done = readLz4Block(this.#bytes, from, to, this.#out, this.#done, window, limit)
      return
    }
    if (length > limit - this.#done)
      throw new DecodeError(`lz4 records decompress to more than the ${this.#cap} bytes allowed`)
    this.#out.bytes.set(this.#bytes.subarray(from, to), this.#done)
    this.#done += length
  }

  /** Room for so much more, or up to the cap. */
  #reserve(more: number): void {
    const needed = Math.min(this.#cap, this.#done + more)
    if (needed <= this.#out.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.min(this.#cap, Math.max(needed, this.#out.bytes.length * 2)))
    grown.set(this.#out.bytes.subarray(0, this.#done))
    this.#out = new CopyTarget(grown)
  }

  #uint32(): number {
    this.#need(4)
    this.#at += 4
    return readUint32(this.#bytes, this.#at - 4)
  }

  #need(count: number): void {
    if (count > this.#bytes.length - this.#at)
      throw new DecodeError(`an lz4 frame ends ${count - (this.#bytes.length - this.#at)} bytes too early`)
  }
}

function headerChecksum(bytes: Uint8Array, from: number, to: number): number {
  return (xxhash32(bytes, from, to) >>> 8) & 0xff
}

function readUint32(bytes: Uint8Array, i: number): number {
  return (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)) >>> 0
}

function writeUint32(bytes: Uint8Array, i: number, value: number): void {
  bytes[i] = value
  bytes[i + 1] = value >>> 8
  bytes[i + 2] = value >>> 16
  bytes[i + 3] = value >>> 24
}
