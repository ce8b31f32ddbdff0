import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DamagedRange } from './damage.ts'
import { Quarantine } from './quarantine.ts'
import { decodeQuarantine, encodeQuarantine } from './quarantine-file.ts'

const range = (segment: number, bytes: [number, number], offsets: [number, number]): DamagedRange => ({
  ...{ segment, fromPosition: bytes[0], toPosition: bytes[1], fromOffset: offsets[0], toOffset: offsets[1] },
  ...{ reason: 'a batch does not match its checksum', foundAt: 1e12 },
})

describe('a quarantine', () => {
  const quarantine = new Quarantine()
  quarantine.add(range(100, [500, 600], [120, 130]))
  quarantine.add(range(0, [50, 80], [5, 8]))
  quarantine.add(range(0, [200, 210], [20, 20]))

  test('knows which offsets are lost, and in which bytes', () => {
    const lost = [4, 5, 7, 8, 20, 119, 120, 129, 130].filter(offset => quarantine.at(offset) !== undefined)
    assert.deepEqual(lost, [5, 7, 120, 129])
    assert.deepEqual(quarantine.endAt(0, 60), { position: 80, nextOffset: 8 })
    assert.equal(quarantine.endAt(0, 80), undefined)
    assert.equal(quarantine.nextIn(0, 80)!.fromPosition, 200)
  })

  test('says between which bytes an offset is to be looked for', () => {
    assert.deepEqual(quarantine.window(0, 3), { from: 0, fromOffset: 0, to: 50 })
    assert.deepEqual(quarantine.window(0, 8), { from: 80, fromOffset: 8, to: 200 })
    assert.deepEqual(quarantine.window(0, 20), { from: 210, fromOffset: 20, to: Number.POSITIVE_INFINITY })
    assert.deepEqual(quarantine.window(100, 110), { from: 0, fromOffset: 100, to: 500 })
  })

  test('joins ranges that touch, and hears of nothing twice', () => {
    const joined = new Quarantine()
    assert(joined.add(range(0, [50, 80], [5, 8])))
    assert(joined.add(range(0, [120, 150], [12, 15])))
    assert(!joined.add(range(0, [60, 70], [6, 7])))
    assert(joined.add(range(0, [80, 120], [8, 12])))
    assert.deepEqual(joined.ranges, [range(0, [50, 150], [5, 15])])
  })

  test('lets go of segments that are gone, and of lost records before the start of the log', () => {
    const short = new Quarantine()
    short.add(range(0, [50, 80], [5, 8]))
    short.add(range(100, [0, 0], [60, 100]))
    short.add(range(100, [500, 600], [120, 130]))
    short.dropBefore(0, 90)
    assert.equal(short.ranges.length, 3)
    short.dropBefore(100, 125)
    assert.deepEqual(short.ranges, [range(100, [500, 600], [120, 130])])
  })
})

describe('a quarantine file', () => {
  const ranges = [range(7, [50, 80], [8, 9]), { ...range(7, [90, 90], [20, 2 ** 40]), reason: 'ausgelöscht' }]
  const bytes = encodeQuarantine(7, ranges)

  test('is read back, for its own segment only', () => {
    assert.deepEqual(decodeQuarantine(bytes, 7), ranges)
    assert.equal(decodeQuarantine(bytes, 8), undefined)
  })

  test('with any bit changed, or any length, is refused', () => {
    for (let bit = 0; bit < bytes.length * 8; bit++)
      assert.equal(decodeQuarantine(bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7))), 7), undefined)
    for (let length = 0; length < bytes.length; length++)
      assert.equal(decodeQuarantine(bytes.slice(0, length), 7), undefined)
  })
})
