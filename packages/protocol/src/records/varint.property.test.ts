import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DecodeError } from '../errors.ts'
import { sizeOfVarint, sizeOfVarlong, VarintCursor, writeVarint, writeVarlong } from './varint.ts'

const int32 = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 63, 64, -64, -65, 8191, 8192, 2 ** 31 - 1, -(2 ** 31)))
const int53 = fc.oneof(
  fc.maxSafeInteger(),
  int32,
  fc.constantFrom(
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 34 - 1,
    2 ** 34,
    -(2 ** 34),
    -(2 ** 34) - 1,
    2 ** 41,
    Number.MAX_SAFE_INTEGER,
    -Number.MAX_SAFE_INTEGER,
  ),
)

/** By the definition, in integers of any size. */
function reference(value: bigint): number[] {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  const bytes: number[] = []
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return [...bytes, Number(rest)]
}

const cursorOver = (bytes: number[]): VarintCursor => new VarintCursor(Uint8Array.from(bytes), 0, bytes.length)

test('a varint is written as defined, with the size foretold, and read back', () => {
  fc.assert(
    fc.property(int32, value => {
      const bytes = new Uint8Array(10)
      const end = writeVarint(bytes, 0, value)
      assert.deepEqual([...bytes.subarray(0, end)], reference(BigInt(value)))
      assert.equal(sizeOfVarint(value), end)
      assert.equal(new VarintCursor(bytes, 0, end).varint(), value)
      assert.equal(new VarintCursor(bytes, 0, end).varlong(), value)
    }),
  )
})

test('a varlong of up to 53 bits is written as defined, with the size foretold, and read back', () => {
  fc.assert(
    fc.property(int53, value => {
      const bytes = new Uint8Array(10)
      const end = writeVarlong(bytes, 0, value)
      assert.deepEqual([...bytes.subarray(0, end)], reference(BigInt(value)))
      assert.equal(sizeOfVarlong(value), end)
      assert.equal(new VarintCursor(bytes, 0, end).varlong(), value)
    }),
    { numRuns: 500 },
  )
})

test('a varint that is cut off, too long or too large is refused', () => {
  assert.throws(() => cursorOver([]).varint(), DecodeError)
  assert.throws(() => cursorOver([0x80]).varint(), DecodeError)
  assert.throws(() => cursorOver([0x80, 0x80, 0x80, 0x80, 0x80, 0x01]).varint(), DecodeError)
  assert.throws(() => cursorOver([0xff, 0xff, 0xff, 0xff, 0x1f]).varint(), DecodeError)
})

test('a varlong that is cut off, longer than ten bytes or beyond 2^53 is refused', () => {
  assert.throws(() => cursorOver([0x80, 0x80, 0x80, 0x80, 0x80]).varlong(), DecodeError)
  assert.throws(() => cursorOver([...Array(10).fill(0x80), 0x01]).varlong(), DecodeError)
  assert.throws(() => cursorOver(reference(2n ** 53n)).varlong(), DecodeError)
  assert.throws(() => cursorOver(reference(-(2n ** 63n))).varlong(), DecodeError)
})

test('a varint padded with zero bytes within its five bytes is read, as other clients do', () => {
  assert.equal(cursorOver([0x82, 0x80, 0x00]).varint(), 1)
})
