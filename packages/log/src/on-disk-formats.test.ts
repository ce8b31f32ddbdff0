/** Sidecar, snapshot and checkpoint: what is written is read back, and no change of a single bit goes unnoticed. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryDisk, realClock } from '@odradek/world'
import { Checkpoint, partitionKey } from './folder/checkpoint.ts'
import { decodeAborted, decodeSnapshot, encodeSnapshot } from './producers/producer-snapshot.ts'
import { decodeSidecarHead, decodeSidecarIndex, encodeSidecar } from './segment/segment-sidecar.ts'
import { SparseIndex } from './segment/sparse-index.ts'

const flipped = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7)))

describe('a sidecar', () => {
  const index = new SparseIndex()
  for (let i = 1; i < 5; i++) index.add(i * 3, i * 4000, 1e12 + i)
  const head = {
    baseOffset: 2 ** 40,
    nextOffset: 2 ** 40 + 20,
    logSize: 2 ** 31 - 1,
    firstTimestamp: 5,
    maxTimestamp: 1e12 + 9,
    sinceEntry: 77,
    epochs: [
      { epoch: 3, startOffset: 2 ** 40 },
      { epoch: 4, startOffset: 2 ** 40 + 7 },
    ],
  }
  const bytes = encodeSidecar(head, index)

  test('is read back', () => {
    const { entryCount, entriesCrc: _, ...rest } = decodeSidecarHead(bytes)!
    assert.deepEqual(rest, head)
    assert.equal(entryCount, 4)
    const found = decodeSidecarIndex(bytes, 'x.index')
    for (let i = 0; i < 4; i++) assert.deepEqual(found.entry(i), index.entry(i))
  })

  test('with any bit changed, or any length, is refused', () => {
    for (let bit = 0; bit < bytes.length * 8; bit++)
      assert.throws(() => decodeSidecarIndex(flipped(bytes, bit), 'x.index'), { name: 'CorruptionError' })
    for (let length = 0; length < bytes.length; length++)
      assert.throws(() => decodeSidecarIndex(bytes.slice(0, length), 'x.index'), { name: 'CorruptionError' })
  })
})

describe('a snapshot', () => {
  const window = [0, 1, 2].map(i => ({
    firstSequence: i * 2,
    lastSequence: i * 2 + 1,
    baseOffset: 2 ** 40 + i,
    timestamp: 1e12 + i,
  }))
  const entries = [
    {
      ...{ producerId: 2n ** 62n, epoch: 32767, window, lastSeen: 1e12, markerOffset: 2 ** 40, transactionStart: 7 },
      ...{ coordinatorEpoch: 2 ** 31 - 1, lastTimestamp: 1e12 + 3 },
    },
    {
      ...{ producerId: 4n, epoch: 0, window: [], lastSeen: 7, markerOffset: -1, transactionStart: -1 },
      ...{ coordinatorEpoch: -1, lastTimestamp: -1 },
    },
  ]
  const aborted = [
    { producerId: 4n, firstOffset: 1, lastOffset: 3 },
    { producerId: 2n ** 62n, firstOffset: 2, lastOffset: 2 ** 41 },
  ]
  const bytes = encodeSnapshot(42, entries, aborted)

  test('is read back, under its own offset only', () => {
    assert.deepEqual(decodeSnapshot(bytes, 42), entries)
    assert.deepEqual(decodeAborted(bytes), aborted)
    assert.equal(decodeSnapshot(bytes, 43), undefined)
  })

  test('of version 1, which knew of no transactions, is read', () => {
    const old = Buffer.from(
      '4f445053000000018a7a32f7000000000000002a00000001000000000000000500030001000000000000000700000004000000060000000000000009000000000000000b',
      'hex',
    )
    const window = [{ firstSequence: 4, lastSequence: 6, baseOffset: 9, timestamp: 11 }]
    const entry = { producerId: 5n, epoch: 3, window, lastSeen: 7, markerOffset: -1, transactionStart: -1 }
    assert.deepEqual(decodeSnapshot(old, 42), [{ ...entry, coordinatorEpoch: -1, lastTimestamp: 11 }])
    assert.deepEqual(decodeAborted(old), [])
  })

  test('of version 2, which did not know who wrote the last marker, is read', () => {
    const old = Buffer.from(
      '4f4450530000000299d8fd98000000000000002a00000001000000010000000000000005000300010000000000000007000000000000000c000000000000000d00000004000000060000000000000009000000000000000b00000000000000050000000000000009000000000000000c',
      'hex',
    )
    const window = [{ firstSequence: 4, lastSequence: 6, baseOffset: 9, timestamp: 11 }]
    const entry = { producerId: 5n, epoch: 3, window, lastSeen: 7, markerOffset: 12, transactionStart: 13 }
    assert.deepEqual(decodeSnapshot(old, 42), [{ ...entry, coordinatorEpoch: -1, lastTimestamp: 11 }])
    assert.deepEqual(decodeAborted(old), [{ producerId: 5n, firstOffset: 9, lastOffset: 12 }])
  })

  test('with any bit changed, or any length, is refused', () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) assert.equal(decodeSnapshot(flipped(bytes, bit), 42), undefined)
    for (let length = 0; length < bytes.length; length++)
      assert.equal(decodeSnapshot(bytes.slice(0, length), 42), undefined)
  })
})

describe('a checkpoint', () => {
  const key = partitionKey('0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c01', 12)

  async function written() {
    const disk = memoryDisk()
    await disk.makeFolder('/data')
    const checkpoint = await Checkpoint.open(realClock, disk, '/data')
    const slot = checkpoint.claim(key)
    for (let i = 1; i <= 3; i++) checkpoint.write(slot, { durableOffset: i * 10, logStartOffset: i })
    await checkpoint.close()
    return disk
  }

  test('remembers the last ends of every partition, and the clock', async () => {
    const disk = await written()
    const first = await Checkpoint.open(realClock, disk, '/data')
    first.lastWallTime = 1e12
    const again = await Checkpoint.open(realClock, disk, '/data')
    assert.equal(again.lastWallTime, 1e12)
    const { durableOffset, logStartOffset } = again.find(key)!
    assert.deepEqual([durableOffset, logStartOffset], [30, 3])
  })

  test('with any bit of its header changed is mended, and says so', async () => {
    const bytes = await (await written()).readFile('/data/checkpoint')
    for (let bit = 0; bit < 64 * 8; bit++) {
      const disk = memoryDisk()
      await disk.makeFolder('/data')
      const file = await disk.open('/data/checkpoint', 'fresh')
      file.write(0, [flipped(bytes, bit)])
      const checkpoint = await Checkpoint.open(realClock, disk, '/data')
      assert.equal(checkpoint.find(key)!.durableOffset, 30)
      assert.match(checkpoint.remarks.join(), /header/)
      assert.deepEqual(await disk.readFile('/data/checkpoint'), bytes)
      assert.deepEqual((await Checkpoint.open(realClock, disk, '/data')).remarks, [])
    }
  })

  test('of release 0.1.0, whose header had no checksum, is read, and not by that release any more', async () => {
    const disk = await written()
    const file = await disk.open('/data/checkpoint', 'existing')
    file.write(4, [Uint8Array.of(0, 0, 0, 1)])
    file.write(60, [new Uint8Array(4)])
    const checkpoint = await Checkpoint.open(realClock, disk, '/data')
    assert.deepEqual([checkpoint.find(key)!.durableOffset, checkpoint.remarks], [30, []])
    assert.deepEqual([...(await file.read(4, 4))], [0, 0, 0, 2])
  })

  test('that is none is kept under another name, and a new one made', async () => {
    const disk = memoryDisk()
    await disk.makeFolder('/data')
    for (const number of [1, 2]) {
      const file = await disk.open('/data/checkpoint', 'fresh')
      file.write(0, [new TextEncoder().encode('something else '.repeat(40))])
      const checkpoint = await Checkpoint.open(realClock, disk, '/data')
      assert.match(checkpoint.remarks.join(), /nothing that can be read.*checkpoint\.damaged-/)
      assert.ok(await disk.exists(`/data/checkpoint.damaged-${number}`))
      assert.equal(checkpoint.find(key), undefined)
    }
  })

  test('that is settled has its log start in both copies: a damaged one does not bring back what was deleted', async () => {
    const disk = await written()
    const checkpoint = await Checkpoint.open(realClock, disk, '/data')
    const slot = checkpoint.find(key)!
    checkpoint.write(slot, { durableOffset: 40, logStartOffset: 9 })
    await checkpoint.settle(slot)
    const bytes = await disk.readFile('/data/checkpoint')
    for (let bit = 64 * 8; bit < bytes.length * 8; bit++) {
      const file = await disk.open('/data/checkpoint', 'fresh')
      file.write(0, [flipped(bytes, bit)])
      const after = await Checkpoint.open(realClock, disk, '/data')
      const { durableOffset, logStartOffset } = after.find(key)!
      assert.deepEqual([durableOffset, logStartOffset], [40, 9])
      assert.match(after.remarks.join(), /damaged copy/)
    }
  })

  test('falls back to the older copy when the newer one is damaged, and to nothing when both are', async () => {
    const bytes = await (await written()).readFile('/data/checkpoint')
    for (let bit = 64 * 8; bit < bytes.length * 8; bit++) {
      const disk = memoryDisk()
      await disk.makeFolder('/data')
      const file = await disk.open('/data/checkpoint', 'fresh')
      file.write(0, [flipped(bytes, bit)])
      const newestIsHarmed = bit >= (64 + 64) * 8
      assert.equal((await Checkpoint.open(realClock, disk, '/data')).find(key)!.durableOffset, newestIsHarmed ? 20 : 30)
    }
  })

  test('gives a freed slot to the next partition', async () => {
    const checkpoint = await Checkpoint.open(realClock, await written(), '/data')
    const slot = checkpoint.find(key)!
    checkpoint.free(slot)
    assert.equal(checkpoint.find(key), undefined)
    assert.equal(checkpoint.claim(partitionKey('7c1d2f6a-55e0-4f0b-9a63-0d6f9f1e2b02', 0)).number, slot.number)
  })
})
