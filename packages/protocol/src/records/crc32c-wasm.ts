/**
 * The inner loops of CRC-32C as a WebAssembly module of some 500 bytes, put together here instruction by instruction.
 *
 * A checksum is the remainder of the message, read as a polynomial over GF(2), by P. Adding a multiple of P anywhere does not change
 * it, so a word of 16 bytes may be struck out if it is xored into those later words that a multiple of P with few terms names, and
 * for a multiple in powers of x^128 these are whole words. (For every polynomial T that P divides, P also divides T(x^128), because
 * squaring is linear here.) The multiple used is
 *
 *     x^79 + x^75 + x^71 + x^58 + x^18 + x^12 + x + 1        with x^128 for x
 *
 * so striking out a word takes seven xors of 16 bytes. The last 79 words, which nothing can be moved beyond, are summed by sixteen
 * tables, sixteen bytes a step.
 */

/** How many words further each of the seven terms stands. */
const terms = [79, 75, 71, 58, 18, 12, 1, 0]
const wordBytes = 16
const degree = terms[0]!
const distances = terms.slice(1).map(term => degree - term)

const tableCount = 16
const tableBytes = 1024
/** Where the bytes to sum are put; the tables stand before them. */
const dataAt = 64 * 1024
/** Longer input goes in pieces of this size, which stay in the processor's cache. */
const pieceBytes = 64 * 1024

export interface WasmCrc {
  /** Goes on with the checksum `crc` (not inverted) over bytes[from … to). */
  advance(crc: number, bytes: Uint8Array, from: number, to: number): number
}

/** What is used of the engine's global, which the compiler knows only together with a browser's. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (
    module: object,
  ) => { exports: { memory: { buffer: ArrayBuffer }; sum(crc: number, at: number, end: number): number } }
}

/** `tables[k * 256 + b]` is the checksum of byte b followed by k zero bytes, for k up to 15. */
export function wasmCrc(tables: Int32Array): WasmCrc {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()))
  const memory = exports.memory.buffer
  new Int32Array(memory, 0, tables.length).set(tables)
  const data = new Uint8Array(memory, dataAt, pieceBytes)
  return {
    advance(start, bytes, from, to) {
      let crc = start
      for (let at = from; at < to; at += pieceBytes) {
        const size = Math.min(pieceBytes, to - at)
        data.set(bytes.subarray(at, at + size))
        crc = exports.sum(crc, dataAt, dataAt + size)
      }
      return crc
    },
  }
}

type Code = readonly number[]

/** A number in the format's own variable length. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

function signed(value: number): Code {
  return value >= -64 && value < 64 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}

const sized = (code: Code): Code => [...unsigned(code.length), ...code]
const section = (id: number, ...entries: Code[]): Code => [
  id,
  ...sized([...unsigned(entries.length), ...entries.flat()]),
]
const name = (text: string): Code => sized([...text].map(letter => letter.charCodeAt(0)))

const i32 = 0x7f
const v128 = 0x7b

// Instructions, as expressions: operands come first.
const get = (local: number): Code => [0x20, local]
const set = (local: number, value: Code): Code => [...value, 0x21, local]
const constant = (value: number): Code => [0x41, ...signed(value)]
const load = (at: Code, offset = 0): Code => [...at, 0x28, 0, ...unsigned(offset)]
const loadByte = (at: Code): Code => [...at, 0x2d, 0, 0]
const store = (at: Code, value: Code): Code => [...at, ...value, 0x36, 0, 0]
const loadWord = (at: Code, offset = 0): Code => [...at, 0xfd, 0x00, 0, ...unsigned(offset)]
const storeWord = (at: Code, offset: number, value: Code): Code => [...at, ...value, 0xfd, 0x0b, 0, ...unsigned(offset)]
const xorWords = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0x51]
const isAtMost = (a: Code, b: Code): Code => [...a, ...b, 0x4d]
const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a]
const and = (a: Code, b: Code): Code => [...a, ...b, 0x71]
const xor = (a: Code, b: Code): Code => [...a, ...b, 0x73]
const shiftLeft = (a: Code, bits: number): Code => [...a, ...constant(bits), 0x74]
const shiftRight = (a: Code, bits: number): Code => [...a, ...constant(bits), 0x76]
const onlyIf = (condition: Code, body: Code): Code => [...condition, 0x04, 0x40, ...body, 0x0b]
/** while (condition) body */
const loopWhile = (condition: Code, body: Code): Code => [
  0x02,
  0x40,
  0x03,
  0x40,
  ...condition,
  0x45,
  0x0d,
  1,
  ...body,
  0x0c,
  0,
  0x0b,
  0x0b,
]

// Parameters and variables of the one function.
const crc = 0
const at = 1
const end = 2
const words = [3, 4, 5, 6]
const word = 7

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const body = [...sumBody(), ...get(crc), 0x0b]
  const locals = [2, 4, i32, 1, v128]
  return Uint8Array.of(
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [0x60, 3, i32, i32, i32, 1, i32]),
    ...section(3, [0]),
    ...section(5, [0, (dataAt + pieceBytes) / 65536]),
    ...section(7, [...name('memory'), 2, 0], [...name('sum'), 0, 0]),
    ...section(10, sized([...locals, ...body])),
  )
}

function sumBody(): Code {
  const canStrikeOut = isAtMost(add(get(at), constant((degree + 1) * wordBytes)), get(end))
  // The running checksum goes into the first four bytes, which from then on stand for it.
  const hideChecksum = [...store(get(at), xor(load(get(at)), get(crc))), ...set(crc, constant(0))]
  return [
    ...onlyIf(canStrikeOut, hideChecksum),
    ...loopWhile(canStrikeOut, strikeOut()),
    ...loopWhile(isAtMost(add(get(at), constant(16)), get(end)), sumSixteen()),
    ...loopWhile(isAtMost(add(get(at), constant(1)), get(end)), sumOne()),
  ]
}

function strikeOut(): Code {
  const moved = distances.flatMap(distance =>
    storeWord(get(at), distance * wordBytes, xorWords(get(word), loadWord(get(at), distance * wordBytes))),
  )
  return [...set(word, loadWord(get(at))), ...moved, ...set(at, add(get(at), constant(wordBytes)))]
}

function sumSixteen(): Code {
  const loaded = words.flatMap((local, i) => set(local, i === 0 ? xor(load(get(at)), get(crc)) : load(get(at), i * 4)))
  const looked = words.flatMap((local, i) =>
    [0, 1, 2, 3].map(byte => lookUp(tableCount - 1 - i * 4 - byte, local, byte)),
  )
  return [...loaded, ...set(crc, looked.reduce(xor)), ...set(at, add(get(at), constant(16)))]
}

/** A table's entry for a byte of a word, shifted so that it counts entries of four bytes. */
function lookUp(table: number, local: number, byte: number): Code {
  const index = byte === 0 ? shiftLeft(get(local), 2) : shiftRight(get(local), byte * 8 - 2)
  return load(and(index, constant(0x3fc)), table * tableBytes)
}

function sumOne(): Code {
  const entry = load(and(shiftLeft(xor(get(crc), loadByte(get(at))), 2), constant(0x3fc)))
  return [...set(crc, xor(shiftRight(get(crc), 8), entry)), ...set(at, add(get(at), constant(1)))]
}
