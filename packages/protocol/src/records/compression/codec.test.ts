import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { lz4Compress, lz4Decompress, snappyCompress, snappyDecompress } from '@platformatic/wasm-utils'
import fc from 'fast-check'
import { DecodeError } from '../../errors.ts'
import { compress, decompress } from './codec.ts'
import { xxhash32 } from './xxhash32.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const noise = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => Math.imul(i + length, 0x9e3779b1) >>> 21)
const lines = (length: number): Uint8Array =>
  Buffer.from(
    Array.from(
      { length: length / 20 + 1 },
      (_, i) => `{"id":${i},"user":"user-${(i * 7919) % 1000}","n":${i * i}}\n`,
    ).join(''),
  ).subarray(0, length)

/** Pieces that repeat near and far, between pieces that do not. */
const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 30 })), { maxLength: 30 })
  .map(
    pieces =>
      new Uint8Array(pieces.flatMap(([bytes, times]) => Array.from({ length: times }, () => [...bytes]).flat())),
  )

const samples = [0, 1, 4, 12, 13, 14, 60, 61, 256, 257, 65_535, 65_536, 65_537, 200_000].flatMap(size => [
  noise(size),
  new Uint8Array(size),
  lines(size),
])

const same = (actual: Uint8Array, expected: Uint8Array, what: string) =>
  assert.equal(Buffer.compare(actual, expected), 0, what)

/** The bare blocks of a xerial stream. */
function* blocksOf(stream: Uint8Array): Generator<Buffer> {
  const bytes = Buffer.from(stream)
  for (let at = 16; at < bytes.length; at += 4 + bytes.readInt32BE(at))
    yield bytes.subarray(at + 4, at + 4 + bytes.readInt32BE(at))
}

test('every codec gives back what it was given', () => {
  for (const codec of codecs) {
    for (const bytes of samples)
      same(decompress(codec, compress(codec, bytes), bytes.length), bytes, `${codec}, ${bytes.length} bytes`)
    fc.assert(
      fc.property(repetitive, bytes => same(decompress(codec, compress(codec, bytes), bytes.length), bytes, codec)),
      { numRuns: 50 },
    )
  }
})

test('the reference lz4 and ours read each other', () => {
  for (const bytes of samples.filter(({ length }) => length > 0)) {
    same(lz4Decompress(Buffer.from(compress('lz4', bytes))), bytes, `theirs from ours, ${bytes.length} bytes`)
    same(
      decompress('lz4', lz4Compress(Buffer.from(bytes)), bytes.length),
      bytes,
      `ours from theirs, ${bytes.length} bytes`,
    )
  }
})

test('the reference snappy and ours read each other, bare blocks too', () => {
  for (const bytes of samples.filter(({ length }) => length > 0)) {
    same(
      Buffer.concat([...blocksOf(compress('snappy', bytes))].map(block => snappyDecompress(block))),
      bytes,
      `theirs from ours, ${bytes.length} bytes`,
    )
    same(
      decompress('snappy', snappyCompress(Buffer.from(bytes)), bytes.length),
      bytes,
      `ours from theirs, ${bytes.length} bytes`,
    )
  }
})

test('streams that follow one another come out as one', () => {
  for (const codec of codecs) {
    const twice = Buffer.concat([compress(codec, lines(3000)), compress(codec, noise(500))])
    same(decompress(codec, twice, 10_000), Buffer.concat([lines(3000), noise(500)]), codec)
    assert.throws(() => decompress(codec, twice, 3499), DecodeError, codec)
  }
})

test('nothing decompresses beyond the cap, to the byte', () => {
  for (const codec of codecs) {
    for (const bytes of [noise(1), lines(1000), new Uint8Array(300_000)]) {
      assert.equal(decompress(codec, compress(codec, bytes), bytes.length).length, bytes.length)
      assert.throws(() => decompress(codec, compress(codec, bytes), bytes.length - 1), DecodeError, codec)
    }
  }
})

test('a bomb is stopped at the cap without the memory it would take', () => {
  const zeros = new Uint8Array(64 * 1024 * 1024)
  const bombs = {
    gzip: gzipSync(zeros),
    zstd: zstdCompressSync(zeros),
    snappy: compress('snappy', zeros),
    lz4: compress('lz4', zeros),
  }
  const nested = compress('lz4', bombs.lz4)
  for (const [codec, bomb] of Object.entries({ ...bombs, none: zeros })) {
    const before = process.memoryUsage().arrayBuffers
    assert.throws(() => decompress(codec as keyof typeof bombs, bomb, 1_000_000), DecodeError, codec)
    assert.ok(process.memoryUsage().arrayBuffers - before < 8_000_000, codec)
  }
  same(decompress('lz4', nested, 1_000_000), bombs.lz4, 'a bomb within a bomb is only bytes')
})

test('a block that claims more than its bytes can hold is refused before memory is taken for it', () => {
  const claims2GB = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x07, 0x00)
  assert.throws(() => decompress('snappy', claims2GB, 2 ** 31), /says it holds 2147483647/)
})

test('streams of nothing but empty pieces are refused or end soon', () => {
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const empty = compress(codec, new Uint8Array(0))
    const many = Buffer.concat(Array(Math.floor(500_000 / empty.length)).fill(empty))
    const start = performance.now()
    if (codec === 'zstd') assert.throws(() => decompress(codec, many, 1000), /frames/)
    else assert.equal(decompress(codec, many, 1000).length, 0)
    assert.ok(performance.now() - start < 2000, codec)
  }
})

test('streams cut off anywhere are refused', () => {
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const whole = compress(codec, lines(500))
    for (let length = 0; length < whole.length; length++) {
      // A xerial stream is cut cleanly after its header: it holds nothing.
      if (codec === 'snappy' && length === 16) continue
      assert.throws(() => decompress(codec, whole.subarray(0, length), 1000), DecodeError, `${codec}, ${length} bytes`)
    }
  }
})

test('lz4 frames with linked blocks, checksums and their content size are read, and a false checksum is not', () => {
  // "abcdefgh", then a block that copies it from the block before.
  const blocks = [
    Uint8Array.of(0x80, ...Buffer.from('abcdefgh')),
    Uint8Array.of(0x04, 8, 0, 0x50, ...Buffer.from('ijklm')),
  ]
  const content = Buffer.from('abcdefghabcdefghijklm')
  const frame = (flags: number) => {
    const header = [flags, 0x40, content.length, 0, 0, 0, 0, 0, 0, 0]
    return Uint8Array.of(
      ...[0x04, 0x22, 0x4d, 0x18, ...header, (xxhash32(Uint8Array.from(header)) >>> 8) & 0xff],
      ...blocks.flatMap(block => [...uint32(block.length), ...block, ...uint32(xxhash32(block))]),
      ...[...uint32(0), ...uint32(xxhash32(content))],
    )
  }
  const linked = frame(0x5c)
  same(decompress('lz4', linked, 100), content, 'linked')
  assert.throws(
    () => decompress('lz4', frame(0x7c), 100),
    /reaches 8 bytes back/,
    'independent blocks may not reach back',
  )
  for (const at of [4, 14, 15 + 4 + 9, linked.length - 1]) {
    const broken = linked.slice()
    broken[at]! ^= 0x10
    assert.throws(() => decompress('lz4', broken, 100), DecodeError, `byte ${at}`)
  }
})

test('the lz4 header checksum of clients before Kafka 0.10, which counts the magic, is accepted', () => {
  const old = compress('lz4', lines(100)).slice()
  old[6] = (xxhash32(old, 0, 6) >>> 8) & 0xff
  same(decompress('lz4', old, 100), lines(100), 'old')
})

test('xxHash32 gives its known values', () => {
  assert.equal(xxhash32(new Uint8Array(0)), 0x02cc5d05)
  assert.equal(xxhash32(Buffer.from('a')), 0x550d7456)
  assert.equal(xxhash32(Buffer.from('abc')), 0x32d153ff)
  assert.equal(xxhash32(Buffer.from('Nobody inspects the spammish repetition')), 0xe2293b2f)
})

const uint32 = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24]
