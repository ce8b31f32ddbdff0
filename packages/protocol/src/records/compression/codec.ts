import { DecodeError } from '../../errors.ts'
import type { Codec } from '../batch-layout.ts'
import { gunzip, gzip, unzstd, zstd } from './zlib-codecs.ts'

/** What a codec does with the records of a batch, which it compresses together. Both ways are synchronous. */
interface Compression {
  compress(bytes: Uint8Array): Uint8Array
  /** Throws a DecodeError when the bytes do not fit the format, or when they would become more than `maxBytes`. */
  decompress(bytes: Uint8Array, maxBytes: number): Uint8Array
}

const compressions: Partial<Record<Codec, Compression>> = {
  none: { compress: bytes => bytes, decompress: withinCap },
  gzip: { compress: gzip, decompress: gunzip },
  zstd: { compress: zstd, decompress: unzstd },
}

export function compress(codec: Codec, bytes: Uint8Array): Uint8Array {
  return compressionOf(codec).compress(bytes)
}

export function decompress(codec: Codec, bytes: Uint8Array, maxBytes: number): Uint8Array {
  return compressionOf(codec).decompress(bytes, maxBytes)
}

function compressionOf(codec: Codec): Compression {
  const compression = compressions[codec]
  if (compression === undefined) throw new DecodeError(`${codec} is not read yet`)
  return compression
}

function withinCap(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.length > maxBytes) throw new DecodeError(`${bytes.length} bytes are more than the ${maxBytes} allowed`)
  return bytes
}
