/**
 * What a task knows of a partition's time and of how far its processors have come, kept in the metadata of the committed offset, in
 * Kafka Streams' own form (streams facts 2.30):
 *
 *     base64 ( int8 magic = 2 | int64 partition time [ | int32 n | n × (int32 length, UTF-8 key, int64 value) ] )
 *
 * The rest is left out where there is nothing to keep. An empty or foreign string says nothing: time is unknown, -1.
 */
export type Progress = ReadonlyMap<string, number>

const nothing: Progress = new Map()
const headBytes = 9

export function encodePartitionTime(timestamp: number, progress: Progress = nothing): string {
  const entries = Array.from(progress, ([key, value]) => ({ key: Buffer.from(key), value }))
  const bytes = entries.length === 0 ? 0 : entries.reduce((sum, { key }) => sum + key.length + 12, 4)
  const all = Buffer.alloc(headBytes + bytes)
  all.writeInt8(2, 0)
  all.writeBigInt64BE(BigInt(timestamp), 1)
  if (entries.length > 0) all.writeInt32BE(entries.length, headBytes)
  let at = headBytes + 4
  for (const { key, value } of entries) {
    at = all.writeInt32BE(key.length, at)
    at += key.copy(all, at)
    at = all.writeBigInt64BE(BigInt(value), at)
  }
  return all.toString('base64')
}

export function decodePartitionTime(metadata: string | null): number {
  const bytes = bytesOf(metadata)
  return (bytes && numberAt(bytes, 1)) ?? -1
}

export function decodeProgress(metadata: string | null): Progress {
  const bytes = bytesOf(metadata)
  if (!bytes || bytes[0] === 1 || bytes.length < headBytes + 4) return nothing
  const progress = new Map<string, number>()
  let at = headBytes + 4
  for (let left = bytes.readInt32BE(headBytes); left > 0; left--) {
    if (at + 4 > bytes.length) return nothing
    const length = bytes.readInt32BE(at)
    const end = at + 4 + length
    if (length < 0 || end + 8 > bytes.length) return nothing
    const value = numberAt(bytes, end)
    if (value === undefined) return nothing
    progress.set(bytes.toString('utf8', at + 4, end), value)
    at = end + 8
  }
  return progress
}

function bytesOf(metadata: string | null): Buffer | undefined {
  const bytes = Buffer.from(metadata ?? '', 'base64')
  return bytes.length >= headBytes && (bytes[0] === 1 || bytes[0] === 2) ? bytes : undefined
}

function numberAt(bytes: Buffer, at: number): number | undefined {
  const number = Number(bytes.readBigInt64BE(at))
  return Number.isSafeInteger(number) ? number : undefined
}
