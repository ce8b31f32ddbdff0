import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KeyDigest } from './key-digest.ts'
import { KeyOffsets } from './key-offsets.ts'

const mask = 2n ** 64n - 1n
const rotated = (word: bigint, by: bigint) => ((word << by) | (word >> (64n - by))) & mask

/** SipHash as its paper describes it, with 128 bits of result. */
function sipHash(secret: Uint8Array, bytes: Uint8Array, rounds: [number, number]): Uint8Array {
  const word = (from: Uint8Array, at: number) => Buffer.from(from).readBigUInt64LE(at)
  const [k0, k1] = [word(secret, 0), word(secret, 8)]
  const v = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn ^ 0xeen,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ] as [bigint, bigint, bigint, bigint]
  const round = () => {
    v[0] = (v[0] + v[1]) & mask
    v[1] = rotated(v[1], 13n) ^ v[0]
    v[0] = rotated(v[0], 32n)
    v[2] = (v[2] + v[3]) & mask
    v[3] = rotated(v[3], 16n) ^ v[2]
    v[0] = (v[0] + v[3]) & mask
    v[3] = rotated(v[3], 21n) ^ v[0]
    v[2] = (v[2] + v[1]) & mask
    v[1] = rotated(v[1], 17n) ^ v[2]
    v[2] = rotated(v[2], 32n)
  }
  const padded = new Uint8Array((bytes.length & ~7) + 8)
  padded.set(bytes)
  padded[padded.length - 1] = bytes.length
  for (let at = 0; at < padded.length; at += 8) {
    v[3] ^= word(padded, at)
    for (let i = 0; i < rounds[0]; i++) round()
    v[0] ^= word(padded, at)
  }
  const result = Buffer.alloc(16)
  for (const [at, which, constant] of [
    [0, 2, 0xeen],
    [8, 1, 0xddn],
  ] as const) {
    v[which] ^= constant
    for (let i = 0; i < rounds[1]; i++) round()
    result.writeBigUInt64LE(v[0] ^ v[1] ^ v[2] ^ v[3], at)
  }
  return result
}

test('the description the digest is held against is SipHash: it gives the published results of SipHash-2-4-128', () => {
  const secret = Uint8Array.from({ length: 16 }, (_, i) => i)
  const results = ['a3817f04ba25a8e66df67214c7550293', 'da87c1d86b99af44347659119b22fc45']
  for (const [length, expected] of results.entries())
    assert.equal(Buffer.from(sipHash(secret, secret.subarray(0, length), [2, 4])).toString('hex'), expected)
})

test('a digest is SipHash-1-3-128', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.uint8Array({ maxLength: 70 }),
      fc.nat(5),
      (secret, key, before) => {
        const digest = new KeyDigest(secret)
        digest.digest(Uint8Array.from([...new Uint8Array(before), ...key, 9]), before, key.length)
        const expected = Buffer.from(sipHash(secret, key, [1, 3]))
        assert.deepEqual(Buffer.from(digest.words.buffer), expected)
      },
    ),
    { numRuns: 200 },
  )
})

const secret = Uint8Array.from({ length: 16 }, (_, i) => i * 7)
const text = new TextEncoder()

test('the last offset of every key is found, and of no other', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(700), { maxLength: 3000 }),
      fc.nat(2 ** 40),
      fc.boolean(),
      (keys, firstOffset, many) => {
        const offsets = new KeyOffsets({ bytes: 1 << 20, mostKeys: many ? 1e6 : keys.length, firstOffset, secret })
        const model = new Map<number, number>()
        for (const [i, key] of keys.entries()) {
          const bytes = text.encode(`key ${key}`)
          assert.ok(offsets.put(bytes, 0, bytes.length, firstOffset + i))
          model.set(key, firstOffset + i)
        }
        assert.equal(offsets.size, model.size)
        for (let key = 0; key <= 700; key++) {
          const bytes = text.encode(`key ${key}`)
          assert.equal(offsets.get(bytes, 0, bytes.length), model.get(key) ?? -1)
        }
      },
    ),
    { numRuns: 30 },
  )
})

test('a sealed table says of every record whether a later one of its key is in', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(60), { minLength: 1, maxLength: 400 }),
      fc.integer({ min: 5, max: 2 ** 40 }),
      (keys, firstOffset) => {
        const offsets = new KeyOffsets({ bytes: 1 << 20, mostKeys: keys.length, firstOffset, secret })
        const bytesOf = (key: number) => text.encode(`key ${key}`)
        for (const [i, key] of keys.entries()) {
          const bytes = bytesOf(key)
          assert.ok(offsets.put(bytes, 0, bytes.length, firstOffset + i))
        }
        const supersedes = (key: number, offset: number) => {
          const bytes = bytesOf(key)
          return offsets.supersedes(bytes, 0, bytes.length, offset)
        }
        for (const isSealed of [false, true]) {
          if (isSealed) offsets.seal(firstOffset + keys.length)
          for (const [i, key] of keys.entries())
            assert.equal(supersedes(key, firstOffset + i), keys.lastIndexOf(key) !== i)
          for (const key of [0, 1, 61]) assert.equal(supersedes(key, firstOffset - 5), keys.includes(key))
        }
      },
    ),
    { numRuns: 50 },
  )
})

test('a full table refuses new keys and still takes known ones', () => {
  const offsets = new KeyOffsets({ bytes: 20_000, mostKeys: 10_000, firstOffset: 0, secret })
  let size = 0
  const put = (key: number, offset: number) => {
    const bytes = text.encode(String(key))
    return offsets.put(bytes, 0, bytes.length, offset)
  }
  while (put(size, size)) size++
  assert.equal(size, 800)
  assert.equal(offsets.size, 800)
  assert.ok(put(3, 5000))
  const three = text.encode('3')
  assert.equal(offsets.get(three, 0, 1), 5000)
})

test('a table takes at most 32 bytes a key, once it is not tiny', () => {
  const offsets = new KeyOffsets({ bytes: 1 << 24, mostKeys: 1e6, firstOffset: 0, secret })
  for (let i = 0; i < 50_000; i++) {
    const bytes = text.encode(String(i))
    offsets.put(bytes, 0, bytes.length, i)
    if (i >= 1000) assert.ok(offsets.bytes / offsets.size <= 32, `${offsets.bytes / offsets.size} at ${i}`)
  }
})
