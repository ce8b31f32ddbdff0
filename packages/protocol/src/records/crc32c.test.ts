import assert from 'node:assert/strict'
import { test } from 'node:test'
import { advance, crc32c } from './crc32c.ts'

const noise = Uint8Array.from({ length: 200_000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24)

/** One bit at a time, as the definition has it. */
function bitwise(bytes: Uint8Array): number {
  let crc = -1
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

test('the check value and the vectors of RFC 3720 come out', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43)
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e)
  assert.equal(crc32c(new Uint8Array(0)), 0)
})

test('every length up to 3,000 sums like the definition, wherever it begins', () => {
  for (let length = 0; length < 3000; length += length < 400 ? 1 : 37) {
    const from = length % 19
    assert.equal(crc32c(noise, from, from + length), bitwise(noise.subarray(from, from + length)), `${length} bytes`)
  }
})

test('pieces that WebAssembly takes one after the other join without a seam', () => {
  for (const length of [65_535, 65_536, 65_537, 65_539, 66_000, 131_072, 131_073, 199_999]) {
    assert.equal(crc32c(noise, 0, length), ~advance(-1, noise, 0, length) >>> 0, `${length} bytes`)
  }
})

test('a view into a larger buffer sums only its own bytes', () => {
  assert.equal(crc32c(noise.subarray(1000, 3000)), crc32c(noise, 1000, 3000))
})
