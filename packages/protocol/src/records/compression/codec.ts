import { DecodeError } from '../../errors.ts'
import type { Codec } from '../batch-layout.ts'
import { lz4, unlz4 } from './lz4.ts'
import { snappy, unsnappy } from './snappy.ts'
import { gunzip, gzip, unzstd, zstd } from './zlib-codecs.ts'

/** What a codec does with the records of a batch, which it compresses together. Both ways are synchronous. */
interface Compression {
  compress(bytes: Uint8Array): Uint8Array
  /** Throws a DecodeError when the bytes do not fit the format, or when they would become more than `maxBytes`. */
  decompress(bytes: Uint8Array, maxBytes: number): Uint8Array
}

const compressions: Record<Codec, Compression> = {
  none: { compress: bytes => bytes, decompress: withinCap },
  gzip: { compress: gzip, decompress: gunzip },
  snappy: { compress: snappy, decompress: unsnappy },
  lz4: { compress: lz4, decompress: unlz4 },
  zstd: { compress: zstd, decompress: unzstd },
}

export function compress(codec: Codec, bytes: Uint8Array): Uint8Array {
  return compressions[codec].compress(bytes)
}

export function decompress(codec: Codec, bytes: Uint8Array, maxBytes: number): Uint8Array {
  return compressions[codec].decompress(bytes, maxBytes)
}

function withinCap(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.length > maxBytes) throw new DecodeError(`${bytes.length} bytes are more than the ${maxBytes} allowed`)
  return bytes
}
