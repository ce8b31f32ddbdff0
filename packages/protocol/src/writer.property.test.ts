import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

test('messages written one after another share memory without disturbing each other', () => {
  const property = fc.property(fc.array(fc.integer({ min: 0, max: 9000 }), { minLength: 40, maxLength: 80 }), sizes => {
    const written = sizes.map((size, i) => {
      const writer = new Writer()
      const close = writer.frame()
      writer.compactString(String.fromCharCode(97 + (i % 26)).repeat(size))
      writer.byteArray(new Uint8Array(size).fill(i))
      close()
      return writer.finish()
    })
    written.forEach((chunks, i) => {
      const reader = new Reader(Buffer.concat(chunks))
      assert.equal(reader.int32(), reader.remaining)
      assert.equal(reader.compactString(), String.fromCharCode(97 + (i % 26)).repeat(sizes[i]!))
      assert.deepEqual(reader.byteArray(), new Uint8Array(sizes[i]!).fill(i))
      assert.equal(reader.remaining, 0)
    })
  })
  fc.assert(property, { numRuns: 10 })
})

test('a message that failed half way leaves no trace in the next', () => {
  const failed = new Writer()
  failed.string('half')
  assert.throws(() => failed.string(undefined as any), { code: 'USAGE', message: 'expected a string, got undefined' })
  const writer = new Writer()
  writer.string('whole')
  assert.equal(Buffer.concat(writer.finish()).toString('latin1', 2), 'whole')
})

test('sections may be nested, and each begins with its size, however long', () => {
  for (const length of [0, 1, 125, 126, 127, 128, 16_381, 16_384, 70_000]) {
    const writer = new Writer()
    writer.int32(length)
    const outer = writer.beginSection()
    writer.int8(7)
    const inner = writer.beginSection()
    for (let i = 0; i < length; i++) writer.int8(i)
    writer.endSection(inner)
    writer.endSection(outer)
    writer.int8(9)
    const reader = new Reader(Buffer.concat(writer.finish()))
    assert.equal(reader.int32(), length)
    const outerEnd = reader.sizedEnd()
    assert.equal(reader.int8(), 7)
    const innerEnd = reader.sizedEnd()
    assert.equal(innerEnd - reader.at, length)
    assert.equal(innerEnd, outerEnd)
    reader.at = outerEnd
    assert.equal(reader.int8(), 9)
    assert.equal(reader.remaining, 0)
  }
})

test('what does not fit its type is refused with a sentence', () => {
  const writer = new Writer()
  assert.throws(() => writer.string('x'.repeat(32_768)), { code: 'USAGE', message: /32768 bytes is too long/ })
  assert.throws(() => writer.int64(2 ** 53), { code: 'USAGE' })
  assert.throws(() => writer.int64(Number.NaN), { code: 'USAGE' })
  assert.throws(() => writer.uuid('not-a-uuid'), { code: 'USAGE' })
})

test('64-bit integers keep their sign and every bit', () => {
  const writer = new Writer()
  const numbers = [0, -1, 1, 2 ** 32, -(2 ** 32), 2 ** 32 - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]
  const bigints = [-1n, 2n ** 63n - 1n, -(2n ** 63n)]
  for (const value of numbers) writer.int64(value)
  for (const value of bigints) writer.bigint64(value)
  const bytes = Buffer.concat(writer.finish())
  numbers.forEach((value, i) => {
    assert.equal(bytes.readBigInt64BE(i * 8), BigInt(value))
  })
  const reader = new Reader(bytes)
  assert.deepEqual(
    numbers.map(() => reader.int64()),
    numbers,
  )
  assert.deepEqual(
    bigints.map(() => reader.bigint64()),
    bigints,
  )
})
