import { Buffer } from 'node:buffer'
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { DecodeError } from '../../errors.ts'

/*
 * gzip and zstd, by Node's own libraries. Both stop at the cap, before they would hold more than it. A gzip stream of several members
 * comes out as one, and so does a zstd stream of several frames.
 */

/** Level 1 takes a third of the time of the usual 6 for batches a fifth larger. */
export function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: constants.Z_BEST_SPEED, chunkSize: outputChunk(bytes.length) })
}

export function gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return guarded('gzip', bytes.length, maxBytes, limits => gunzipSync(bytes, limits))
}

export function zstd(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, { chunkSize: outputChunk(bytes.length) })
}

export function unzstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  let frame = unzstdFrame(bytes, maxBytes)
  if (frame.end === bytes.length) return frame.content
  const contents = [frame.content]
  let left = maxBytes
  for (let at = frame.end; at < bytes.length; at += frame.end) {
    left -= frame.content.length
    frame = unzstdFrame(bytes.subarray(at), left)
    contents.push(frame.content)
    // An empty frame takes nine bytes and a whole call.
    if (contents.length > 16 + bytes.length / 1024)
      throw new DecodeError(`zstd records of ${bytes.length} bytes have more than ${contents.length - 1} frames`)
  }
  return Buffer.concat(contents)
}

/** The library stops after one frame, so it has to say how far it came. */
function unzstdFrame(bytes: Uint8Array, maxBytes: number): { content: Uint8Array; end: number } {
  let end = 0
  const content = guarded('zstd', bytes.length, maxBytes, limits => {
    // Documented for all of node:zlib; its types do not know it.
    const { buffer, engine } = zstdDecompressSync(bytes, { ...limits, info: true } as typeof limits) as unknown as {
      buffer: Uint8Array
      engine: { bytesWritten: number }
    }
    end = engine.bytesWritten
    return buffer
  })
  if (end === 0) throw new DecodeError('zstd records cannot be decompressed: a frame of no bytes')
  return { content, end }
}

interface OutputLimits {
  maxOutputLength: number
  chunkSize: number
}

function guarded(
  codec: string,
  size: number,
  maxBytes: number,
  decompress: (limits: OutputLimits) => Uint8Array,
): Uint8Array {
  try {
    // The libraries know no limit of 0.
    const content = decompress({ maxOutputLength: Math.max(1, maxBytes), chunkSize: outputChunk(size * 4) })
    if (content.length <= maxBytes) return content
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE')
      throw new DecodeError(`${codec} records cannot be decompressed: ${(cause as Error).message}`, { cause })
  }
  throw new DecodeError(`${codec} records decompress to more than the ${maxBytes} bytes allowed`)
}

/** The libraries fill chunks of this size and join them: one chunk for most batches, and never a large one for few bytes. */
function outputChunk(expected: number): number {
  return Math.min(Math.max(expected, 1024), 1024 * 1024)
}
