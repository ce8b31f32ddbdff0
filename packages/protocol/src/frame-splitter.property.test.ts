import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameSplitter } from './frame-splitter.ts'

function withLength(frame: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(frame.length)
  return Buffer.concat([length, frame])
}

/** Cuts bytes into chunks of the given sizes, over and over. */
function chunked(bytes: Uint8Array, sizes: number[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

test('however the stream is cut, the frames that went in come out', () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 8 })
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 })
  const property = fc.property(frames, sizes, (sent, cuts) => {
    const splitter = new FrameSplitter(100)
    const received = chunked(Buffer.concat(sent.map(withLength)), cuts).flatMap(chunk => splitter.push(chunk))
    assert.deepEqual(
      received.map(frame => Uint8Array.from(frame)),
      sent,
    )
    assert.equal(splitter.buffered, 0)
  })
  fc.assert(property)
})

test('a frame within one chunk is not copied', () => {
  const chunk = withLength(Uint8Array.of(1, 2, 3))
  assert.equal(new FrameSplitter(100).push(chunk)[0]!.buffer, chunk.buffer)
})

test('a negative length is refused', () => {
  assert.throws(() => new FrameSplitter(100).push(Buffer.from('ffffffff', 'hex')), { code: 'DECODE', message: /-1/ })
})

test('a length above the limit is refused before any of its bytes have come, even byte by byte', () => {
  const splitter = new FrameSplitter(100)
  splitter.push(Uint8Array.of(0))
  splitter.push(Uint8Array.of(0))
  splitter.push(Uint8Array.of(0))
  assert.throws(() => splitter.push(Uint8Array.of(101)), { code: 'DECODE', message: /101 is not between 0 and 100/ })
})

test('TLS and HTTP on a plain port look like lengths far too large', () => {
  for (const start of [Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00), Buffer.from('GET / HTTP/1.1\r\n')]) {
    assert.throws(() => new FrameSplitter(100 * 1024 * 1024).push(start), { code: 'DECODE' })
  }
})
