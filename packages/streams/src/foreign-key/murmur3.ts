/**
 * Murmur3, 128 bits, for 64-bit machines, with the seed Kafka Streams uses: how a foreign-key join tells whether a row is still the one
 * that was asked for. Sixteen bytes, two big-endian halves. Numbers of 64 bits are pairs of 32, `hi` and `lo`; no BigInt.
 */
const seed = 104_729
const c1 = { hi: 0x87c37b91, lo: 0x114253d5 }
const c2 = { hi: 0x4cf5ad43, lo: 0x2745937f }
const mix1 = { hi: 0xff51afd7, lo: 0xed558ccd }
const mix2 = { hi: 0xc4ceb9fe, lo: 0x1a85ec53 }

/** What the last multiplication, rotation or addition has come to. */
let hi = 0
let lo = 0

export function murmur3(bytes: Uint8Array): Uint8Array {
  const h1 = { hi: 0, lo: seed }
  const h2 = { hi: 0, lo: seed }
  const whole = bytes.length & ~15
  for (let at = 0; at < whole; at += 16) {
    mixIn(h1, h2, readWord(bytes, at), first)
    mixIn(h2, h1, readWord(bytes, at + 8), second)
  }
  scramble(readWord(bytes, whole), first)
  const one = { hi: h1.hi ^ hi, lo: h1.lo ^ lo ^ bytes.length }
  scramble(readWord(bytes, whole + 8), second)
  return finished(one, { hi: h2.hi ^ hi, lo: h2.lo ^ lo ^ bytes.length })
}

interface Word {
  hi: number
  lo: number
}

interface Half {
  readonly one: Word
  readonly other: Word
  readonly turnWord: number
  readonly turnHash: number
  readonly plus: number
}

const first: Half = { one: c1, other: c2, turnWord: 31, turnHash: 27, plus: 0x52dce729 }
const second: Half = { one: c2, other: c1, turnWord: 33, turnHash: 31, plus: 0x38495ab5 }

function mixIn(hash: Word, beside: Word, word: Word, half: Half): void {
  scramble(word, half)
  rotate(hash.hi ^ hi, hash.lo ^ lo, half.turnHash)
  add(hi, lo, beside)
  multiply(hi, lo, { hi: 0, lo: 5 })
  add(hi, lo, { hi: 0, lo: half.plus })
  hash.hi = hi
  hash.lo = lo
}

function scramble(word: Word, { one, other, turnWord }: Half): void {
  multiply(word.hi, word.lo, one)
  rotate(hi, lo, turnWord)
  multiply(hi, lo, other)
}

function finished(h1: Word, h2: Word): Uint8Array {
  const sum = plus(h1, h2)
  const one = avalanche(sum)
  const other = avalanche(plus(h2, sum))
  const high = plus(one, other)
  const low = plus(other, high)
  const out = Buffer.allocUnsafe(16)
  out.writeInt32BE(high.hi, 0)
  out.writeInt32BE(high.lo, 4)
  out.writeInt32BE(low.hi, 8)
  out.writeInt32BE(low.lo, 12)
  return out
}

function plus(one: Word, other: Word): Word {
  add(one.hi, one.lo, other)
  return { hi, lo }
}

/** Every bit of the word changes every other. */
function avalanche(word: Word): Word {
  multiply(word.hi, word.lo ^ (word.hi >>> 1), mix1)
  multiply(hi, lo ^ (hi >>> 1), mix2)
  return { hi, lo: lo ^ (hi >>> 1) }
}

/** Little-endian; what is missing at the end is 0. */
function readWord(bytes: Uint8Array, at: number): Word {
  return { lo: readHalf(bytes, at), hi: readHalf(bytes, at + 4) }
}

const readHalf = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)

function multiply(aHi: number, aLo: number, { hi: bHi, lo: bLo }: Word): void {
  const a0 = aLo & 0xffff
  const a1 = aLo >>> 16
  const b0 = bLo & 0xffff
  const b1 = bLo >>> 16
  const low = a0 * b0
  const middle = a1 * b0 + (low >>> 16)
  const other = a0 * b1 + (middle & 0xffff)
  hi = (a1 * b1 + (middle >>> 16) + (other >>> 16) + Math.imul(aHi, bLo) + Math.imul(aLo, bHi)) | 0
  lo = Math.imul(aLo, bLo)
}

function rotate(wordHi: number, wordLo: number, bits: number): void {
  const isSwapped = bits >= 32
  const [up, down] = isSwapped ? [wordLo, wordHi] : [wordHi, wordLo]
  const n = bits & 31
  hi = (up << n) | (down >>> (32 - n))
  lo = (down << n) | (up >>> (32 - n))
}

function add(wordHi: number, wordLo: number, other: Word): void {
  const sum = (wordLo >>> 0) + (other.lo >>> 0)
  hi = (wordHi + other.hi + (sum > 0xffffffff ? 1 : 0)) | 0
  lo = sum | 0
}
