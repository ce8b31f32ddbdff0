/**
 * A group of the journal: the ends of many partitions' segments, made durable by one write and one sync. FORMAT.md has the bytes.
 *
 *     block 0   [ head 32 │ first bytes of the other blocks, 4 each │ entry │ entry … ]
 *     block 1   [ "ODJC" │ … entry │ entry │ zeroes ]
 *
 * An entry is whose bytes they are, where they stand in which segment, and the bytes. A group begins with a block of its own, so nothing
 * is ever written into one that holds what was acknowledged before. Every other block begins with a mark, in place of four bytes that
 * stand behind the head: whatever a producer sends, its bytes cannot look like the head of a group. One checksum covers all of it: a
 * group counts whole, or not at all.
 */
import { crc32c } from '@odradek/protocol'
import type { PartitionOwner } from '../folder/partition-folder.ts'

export interface JournalEntry {
  readonly owner: PartitionOwner
  /** Base offset of the segment. */
  readonly segment: number
  /** Where in the segment the bytes stand; everything before is durable. */
  readonly position: number
  /** The offset before which everything is durable with them. */
  readonly nextOffset: number
  readonly chunks: readonly Uint8Array[]
  readonly bytes: number
}

/** Which piece of the journal it belongs to, and its number there, from 0. */
export interface GroupPlace {
  readonly sequence: number
  readonly number: number
}

export interface JournalGroup extends GroupPlace {
  readonly entries: JournalEntry[]
  /** As it takes in the file. */
  readonly size: number
}

export const blockSize = 4096
/** The bytes behind the head then never reach beyond its block. */
const mostBlocks = 1000
const magic = 0x4f444a47 // "ODJG"
const continued = 0x4f444a43 // "ODJC"
const headSize = 32
const entryHeadSize = 48

/** An owner's id and name as they stand in entries: made once, since small commits consist of little else. */
const written = new WeakMap<PartitionOwner, { readonly id: Uint8Array; readonly name: Uint8Array }>()

function writtenOf(owner: PartitionOwner) {
  let found = written.get(owner)
  if (found === undefined) {
    found = { id: Buffer.from(owner.topicId.replaceAll('-', ''), 'hex'), name: Buffer.from(owner.topic) }
    written.set(owner, found)
  }
  return found
}

export const sizeOfEntry = ({ owner, bytes }: JournalEntry): number =>
  entryHeadSize + writtenOf(owner).name.length + bytes

export const largestGroup: number = mostBlocks * blockSize

/** Of entries that take so much together: each block but the first gives four bytes for its mark. */
const blocksFor = (entryBytes: number): number => Math.ceil((headSize - 4 + entryBytes) / (blockSize - 4))
export const sizeOfGroup = (entryBytes: number): number => blocksFor(entryBytes) * blockSize

/** Fills the start of `into`, which is large enough, and returns that part. */
export function encodeGroup(into: Buffer, place: GroupPlace, entries: readonly JournalEntry[]): Buffer {
  const entryBytes = entries.reduce((sum, entry) => sum + sizeOfEntry(entry), 0)
  const blocks = blocksFor(entryBytes)
  const group = into.subarray(0, blocks * blockSize)
  let at = headSize + 4 * (blocks - 1)
  for (const entry of entries) at = encodeEntry(group, at, entry)
  group.fill(0, at)
  for (let block = 1; block < blocks; block++) {
    group.writeUInt32BE(group.readUInt32BE(block * blockSize), headSize + 4 * (block - 1))
    group.writeUInt32BE(continued, block * blockSize)
  }
  group.writeUInt32BE(magic, 0)
  group.writeBigInt64BE(BigInt(place.sequence), 8)
  group.writeUInt32BE(place.number, 16)
  group.writeUInt32BE(entries.length, 20)
  group.writeUInt32BE(blocks, 24)
  group.writeUInt32BE(0, 28)
  group.writeUInt32BE(crc32c(group, 8), 4)
  return group
}

function encodeEntry(into: Buffer, start: number, entry: JournalEntry): number {
  const { owner, segment, position, nextOffset, chunks, bytes } = entry
  const { id, name } = writtenOf(owner)
  into.set(id, start)
  into.writeUInt32BE(owner.index, start + 16)
  writeOffset(into, segment, start + 20)
  into.writeUInt32BE(position, start + 28)
  writeOffset(into, nextOffset, start + 32)
  into.writeUInt32BE(bytes, start + 40)
  into.writeUInt32BE(name.length, start + 44)
  into.set(name, start + entryHeadSize)
  let at = start + entryHeadSize + name.length
  for (const chunk of chunks) {
    into.set(chunk, at)
    at += chunk.length
  }
  return at
}

function writeOffset(into: Buffer, offset: number, at: number): void {
  const high = Math.floor(offset / 2 ** 32)
  into.writeInt32BE(high, at)
  into.writeUInt32BE(offset - high * 2 ** 32, at + 4)
}

/** Undefined when no whole group begins there. Gives the blocks back what their marks stand for. */
export function decodeGroup(bytes: Buffer, start: number): JournalGroup | undefined {
  if (start + headSize > bytes.length || bytes.readUInt32BE(start) !== magic) return undefined
  const blocks = bytes.readUInt32BE(start + 24)
  const group = bytes.subarray(start, start + blocks * blockSize)
  if (blocks === 0 || blocks > mostBlocks || group.length < blocks * blockSize) return undefined
  if (group.readUInt32BE(4) !== crc32c(group, 8)) return undefined
  for (let block = 1; block < blocks; block++)
    group.writeUInt32BE(group.readUInt32BE(headSize + 4 * (block - 1)), block * blockSize)
  const entries: JournalEntry[] = []
  let at = headSize + 4 * (blocks - 1)
  for (let left = group.readUInt32BE(20); left > 0; left--) {
    const entry = decodeEntry(group, at)
    at += sizeOfEntry(entry)
    entries.push(entry)
  }
  return { sequence: Number(group.readBigInt64BE(8)), number: group.readUInt32BE(16), entries, size: group.length }
}

/** Within a group whose checksum is right. */
function decodeEntry(group: Buffer, at: number): JournalEntry {
  const bytes = group.readUInt32BE(at + 40)
  const nameAt = at + entryHeadSize
  const bytesAt = nameAt + group.readUInt32BE(at + 44)
  const id = group.toString('hex', at, at + 16)
  return {
    owner: {
      topicId: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
      topic: group.toString('utf8', nameAt, bytesAt),
      index: group.readUInt32BE(at + 16),
    },
    segment: Number(group.readBigInt64BE(at + 20)),
    position: group.readUInt32BE(at + 28),
    nextOffset: Number(group.readBigInt64BE(at + 32)),
    chunks: [group.subarray(bytesAt, bytesAt + bytes)],
    bytes,
  }
}
