import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blockSize, decodeGroup, encodeGroup, type JournalEntry, sizeOfEntry, sizeOfGroup } from './journal-group.ts'
import { damagedGroups, entriesOf, scanPiece } from './journal-scan.ts'

const owner = { topicId: '0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c01', topic: 'bestellungen-ü', index: 7 }

function entryOf(bytes: number, changes: Partial<JournalEntry> = {}): JournalEntry {
  const chunk = Uint8Array.from({ length: bytes }, (_, i) => i * 31)
  return { owner, segment: 2 ** 40, position: 2 ** 30, nextOffset: 2 ** 41, chunks: [chunk], bytes, ...changes }
}

function groupOf(sequence: number, number: number, ...entries: JournalEntry[]): Buffer {
  const size = sizeOfGroup(entries.reduce((sum, entry) => sum + sizeOfEntry(entry), 0))
  return Buffer.from(encodeGroup(Buffer.alloc(size, 0xff), { sequence, number }, entries))
}

/** What comes back has its bytes in one chunk. */
function plain({ chunks, ...rest }: JournalEntry): object {
  return { ...rest, bytes: Buffer.concat(chunks) }
}

test('a group is read back, over any number of blocks', () => {
  for (const sizes of [
    [1],
    [1, 2, 3],
    [4000],
    [4010],
    [4020],
    [9000, 1, 30_000],
    Array.from({ length: 500 }, () => 77),
  ]) {
    const entries = sizes.map((size, i) => entryOf(size, { position: i }))
    const bytes = groupOf(3, 9, ...entries)
    assert.equal(bytes.length % blockSize, 0)
    const group = decodeGroup(bytes, 0)!
    assert.deepEqual([group.sequence, group.number, group.size], [3, 9, bytes.length])
    assert.deepEqual(group.entries.map(plain), entries.map(plain))
  }
})

test('a group with any bit changed, or cut short, is none', () => {
  const bytes = groupOf(1, 0, entryOf(300), entryOf(5000))
  for (let bit = 0; bit < bytes.length * 8; bit += 7) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(decodeGroup(changed, 0), undefined, `bit ${bit}`)
  }
  for (let length = 0; length < bytes.length; length += 99)
    assert.equal(decodeGroup(Buffer.from(bytes.subarray(0, length)), 0), undefined)
})

test('the bytes of a producer cannot pass for a group', () => {
  const forged = groupOf(1, 1, entryOf(10, { position: 666 }))
  const payload = Buffer.concat(Array.from({ length: 4 }, () => forged))
  for (let shift = 0; shift < blockSize; shift += 97) {
    const chunk = Buffer.concat([Buffer.alloc(shift), payload])
    const bytes = groupOf(1, 0, entryOf(chunk.length, { chunks: [chunk] }))
    bytes[100]! ^= 1
    assert.deepEqual(scanPiece(bytes).groups, [])
  }
})

test('a torn last group is no damage; one that is not whole before a whole one is', () => {
  const groups = [0, 1, 2].map(number => groupOf(5, number, entryOf(number * 3000 + 1, { position: number })))
  const found = (harmed: number) => {
    const bytes = Buffer.concat(groups.map((group, i) => (i === harmed ? Buffer.from(group).fill(0, 20, 400) : group)))
    const piece = scanPiece(bytes)
    return { positions: [...entriesOf([piece])].map(({ position }) => position), damaged: damagedGroups([piece]) }
  }
  assert.deepEqual(found(-1), { positions: [0, 1, 2], damaged: 0 })
  assert.deepEqual(found(2), { positions: [0, 1], damaged: 0 })
  assert.deepEqual(found(1), { positions: [0, 2], damaged: 1 })
  assert.deepEqual(found(0), { positions: [1, 2], damaged: 1 })
})

test('groups that a piece held before count no more, nor as damage when the first new one is torn', () => {
  const old = [0, 1, 2].map(number => groupOf(1, number, entryOf(10, { position: number })))
  const between = scanPiece(groupOf(2, 0, entryOf(10, { position: 50 })))
  const written = scanPiece(Buffer.concat([groupOf(3, 0, entryOf(10, { position: 60 })), ...old.slice(1)]))
  assert.deepEqual(
    [...entriesOf([written, between])].map(({ position }) => position),
    [50, 60],
  )
  assert.equal(damagedGroups([written, between]), 0)
  const torn = scanPiece(Buffer.concat([Buffer.alloc(blockSize, 9), ...old.slice(1)]))
  assert.equal(damagedGroups([torn, between]), 0)
  assert.equal(damagedGroups([scanPiece(Buffer.alloc(10_000)), between]), 0)
})
