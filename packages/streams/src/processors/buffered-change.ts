/**
 * A change that is held back, as the changelog of a suppress has it; its key is the table's. Numbers are big-endian, a length of -1 says
 * null.
 *
 *     byte 1 (version) ‖ int64 due ‖ int64 timestamp ‖ int32 headers × (int32 length ‖ name ‖ int32 length ‖ value)
 *       ‖ int32 length ‖ shown value ‖ int32 length ‖ new value
 */
import { DecodeError } from '@odradek/protocol'
import type { RecordHeaders } from '../record.ts'
import { bufferOf, readInt64, writeInt64 } from '../state/changelog-keys.ts'

export interface HeldChange {
  /** When its wait began, in stream time. */
  readonly since: number
  readonly timestamp: number
  readonly headers: RecordHeaders
  /** What those below have seen last. */
  readonly shown: Uint8Array | null
  readonly latest: Uint8Array | null
}

const version = 1

export function writeHeldChange({ since, timestamp, headers, shown, latest }: HeldChange): Uint8Array {
  const head = Buffer.alloc(21)
  head[0] = version
  writeInt64(head, 1, since)
  writeInt64(head, 9, timestamp)
  head.writeInt32BE(headers.length, 17)
  const parts: Uint8Array[] = [head]
  for (const [name, value] of headers) parts.push(...sized(Buffer.from(name)), ...sized(value))
  return Buffer.concat([...parts, ...sized(shown), ...sized(latest)])
}

function sized(bytes: Uint8Array | null): Uint8Array[] {
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes ? bytes.length : -1)
  return bytes ? [length, bytes] : [length]
}

export function readHeldChange(bytes: Uint8Array): HeldChange {
  const from = bufferOf(bytes)
  if (from.length < 21 || from[0] !== version) throw foreign(bytes)
  let at = 21
  const next = (): Uint8Array | null => {
    if (at + 4 > from.length) throw foreign(bytes)
    const length = from.readInt32BE(at)
    at += 4
    if (length < 0) return null
    if (at + length > from.length) throw foreign(bytes)
    at += length
    return from.subarray(at - length, at)
  }
  const headers: [string, Uint8Array | null][] = []
  for (let left = from.readInt32BE(17); left > 0; left--) headers.push([Buffer.from(next() ?? []).toString(), next()])
  return { since: readInt64(from, 1), timestamp: readInt64(from, 9), headers, shown: next(), latest: next() }
}

const foreign = (bytes: Uint8Array): DecodeError =>
  new DecodeError(
    `A record of ${bytes.length} bytes in the changelog of a suppress was not written by this library: use another application id, or delete the topic.`,
  )
