/**
 * What a task knows of a partition's time, kept in the metadata of the committed offset, in Kafka Streams' own form (streams facts 2.30):
 *
 *     base64 ( int8 magic = 2 | int64 partition time [ | int32 n | n × (int32 length, UTF-8 key, int64 value) ] )
 *
 * The rest, what processors want kept, is left out where there is nothing to keep. An empty or foreign string says nothing: time is unknown, -1.
 */
export function encodePartitionTime(timestamp: number): string {
  const bytes = Buffer.alloc(9)
  bytes.writeInt8(2, 0)
  bytes.writeBigInt64BE(BigInt(timestamp), 1)
  return bytes.toString('base64')
}

export function decodePartitionTime(metadata: string | null): number {
  const bytes = Buffer.from(metadata ?? '', 'base64')
  if (bytes.length < 9 || (bytes[0] !== 1 && bytes[0] !== 2)) return -1
  const timestamp = Number(bytes.readBigInt64BE(1))
  return Number.isSafeInteger(timestamp) ? timestamp : -1
}
