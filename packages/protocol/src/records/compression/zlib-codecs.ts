import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { DecodeError } from '../../errors.ts'

/*
 * gzip and zstd, by Node's own libraries. A gzip stream may have several members and a zstd stream several frames; both come out as
 * one. Both libraries stop at the cap, before they would hold more than it.
 */

/** Level 1 takes a third of the time of the usual 6 for batches a fifth larger. */
export function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: constants.Z_BEST_SPEED, chunkSize: outputChunk(bytes.length) })
}

export function gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return guarded('gzip', maxBytes, options => gunzipSync(bytes, options), bytes.length)
}

export function zstd(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, { chunkSize: outputChunk(bytes.length) })
}

export function unzstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return guarded('zstd', maxBytes, options => zstdDecompressSync(bytes, options), bytes.length)
}

interface OutputLimits {
  maxOutputLength: number
  chunkSize: number
}

function guarded(
  codec: string,
  maxBytes: number,
  decompress: (limits: OutputLimits) => Uint8Array,
  size: number,
): Uint8Array {
  try {
    return decompress({ maxOutputLength: Math.max(1, maxBytes), chunkSize: outputChunk(size * 4) })
  } catch (error) {
    const isBomb = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw new DecodeError(
      isBomb
        ? `${codec} records would decompress to more than the ${maxBytes} bytes allowed`
        : `${codec} records cannot be decompressed: ${(error as Error).message}`,
    )
  }
}

/** The libraries fill chunks of this size and join them: one chunk for most batches, and never a large one for few bytes. */
function outputChunk(expected: number): number {
  return Math.min(Math.max(expected, 1024), 1024 * 1024)
}
