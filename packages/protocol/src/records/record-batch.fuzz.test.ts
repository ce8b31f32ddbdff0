import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError } from '../errors.ts'
import {
  codecs,
  compress,
  crc32c,
  decodeControlBatch,
  decodeRecords,
  decompress,
  eachBatch,
  encodeBatch,
  encodeControlBatch,
  hasValidCrc,
} from './index.ts'

/*
 * Mutants of good bytes, 20,000 of them. Whatever the bytes: nothing but a DecodeError is thrown, no record lies outside its batch, no
 * output exceeds its cap, and what passes the reader can be read again. A failure names the seed that makes the same mutant again. ODRADEK_FUZZ_SCALE=50 tries a million.
 */

const cap = 100_000
const scale = Number(process.env.ODRADEK_FUZZ_SCALE ?? 1)

/** A small generator of our own (xorshift), so that a seed says it all. */
function chance(seed: number): (below: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1
  return below => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const texts = Array.from({ length: 30 }, (_, i) => ({
  key: `key ${i}`,
  value: `{"n":${i},"text":"${'ab'.repeat(i)}"}`,
  headers: [['h', String(i)] as const],
  timestamp: 1000 + i * 2 ** i,
}))
const batches = [
  ...codecs.map(compression => encodeBatch(texts, { compression })),
  encodeControlBatch({ type: 'commit', coordinatorEpoch: 1, producerId: 1n, producerEpoch: 0, timestamp: 1 }),
]
const streams = codecs.map(codec => compress(codec, Buffer.from(JSON.stringify(texts))))

const extremes = [0, 1, 0x7f, 0x80, 0xff]

function mutant(original: Uint8Array, random: (below: number) => number): Uint8Array {
  let bytes = new Uint8Array(original)
  for (let changes = 1 + random(4); changes > 0 && bytes.length > 0; changes--) {
    const at = random(bytes.length)
    const kind = random(6)
    if (kind === 0) bytes[at]! ^= 1 << random(8)
    else if (kind === 1) bytes[at] = extremes[random(extremes.length)]!
    else if (kind === 2) bytes.fill(random(256), at, at + random(9))
    else if (kind === 3) bytes = bytes.slice(0, at)
    else if (kind === 4) bytes.copyWithin(at, random(bytes.length), random(bytes.length))
    else bytes = Uint8Array.from([...bytes.subarray(0, at), random(256), ...bytes.subarray(at)])
  }
  return bytes
}

function readAll(bytes: Uint8Array): void {
  for (const batch of eachBatch(bytes)) {
    hasValidCrc(bytes, batch.at)
    const reader = decodeRecords(bytes, batch.at, cap)
    const once = [...reader].map(record => [
      record.offset,
      record.timestamp,
      record.key,
      record.value,
      record.headers,
      crc32c(record.value ?? record.key ?? bytes),
    ])
    const size = [...reader].reduce((sum, record) => sum + record.sizeInBytes, 0)
    assert.ok(size <= Math.max(cap, bytes.length))
    reader.check()
    assert.deepEqual(once.length, batch.recordCount)
  }
  decodeControlBatch(bytes)
}

function attempt(seed: number, work: () => void): void {
  try {
    work()
  } catch (error) {
    if (error instanceof DecodeError) return
    throw new Error(`seed ${seed}`, { cause: error })
  }
}

test('mutants of batches are read or refused', () => {
  for (let seed = 0; seed < 12_000 * scale; seed++) {
    const bytes = mutant(batches[seed % batches.length]!, chance(seed))
    attempt(seed, () => readAll(bytes))
  }
})

test('mutants of compressed streams decompress within the cap or are refused', () => {
  for (let seed = 0; seed < 8_000 * scale; seed++) {
    const which = seed % codecs.length
    const bytes = mutant(streams[which]!, chance(seed))
    attempt(seed, () => assert.ok(decompress(codecs[which]!, bytes, cap).length <= cap))
  }
})
