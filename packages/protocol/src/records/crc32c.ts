import { wasmCrc } from './crc32c-wasm.ts'

/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), the checksum of a record batch. Long input is summed by WebAssembly, short
 * input here, eight bytes a step: the call into WebAssembly, with a copy of the bytes, pays from some hundred bytes on.
 */
export function crc32c(bytes: Uint8Array, from = 0, to: number = bytes.length): number {
  return ~(to - from >= wasmFrom ? wasm.advance(-1, bytes, from, to) : advance(-1, bytes, from, to)) >>> 0
}

const wasmFrom = 320

/** `tables[k * 256 + b]` is the checksum of byte b followed by k zero bytes, so the bytes of one step are looked up apart and xored. */
const tables = makeTables(16)
const wasm = wasmCrc(tables)

function makeTables(count: number): Int32Array {
  const made = new Int32Array(count * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    made[byte] = crc
  }
  for (let i = 256; i < made.length; i++) made[i] = (made[i - 256]! >>> 8) ^ made[made[i - 256]! & 0xff]!
  return made
}

/** The same as the tables alone do it; the reference for the WebAssembly. */
export function advance(start: number, bytes: Uint8Array, from: number, to: number): number {
  const t = tables
  let crc = start
  let i = from
  for (const end = to - 7; i < end; i += 8) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    crc =
      t[1792 + (crc & 0xff)]! ^
      t[1536 + ((crc >>> 8) & 0xff)]! ^
      t[1280 + ((crc >>> 16) & 0xff)]! ^
      t[1024 + (crc >>> 24)]! ^
      t[768 + bytes[i + 4]!]! ^
      t[512 + bytes[i + 5]!]! ^
      t[256 + bytes[i + 6]!]! ^
      t[bytes[i + 7]!]!
  }
  for (; i < to; i++) crc = (crc >>> 8) ^ t[(crc ^ bytes[i]!) & 0xff]!
  return crc
}
