/** A record that could not be processed, as it is written to a dead-letter topic: its bytes untouched, its origin and fate in headers. */
import type { ConsumerRecord } from './consumer-record.ts'

export interface DeadLetter {
  key: Uint8Array | null
  value: Uint8Array | null
  headers: [name: string, value: Uint8Array | string | null][]
  timestamp: number
}

export function deadLetterOf(record: ConsumerRecord, error: unknown, group: string | undefined): DeadLetter {
  const { topic, partition, offset, timestamp, keyBytes, valueBytes, headers } = record
  const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return {
    key: keyBytes,
    value: valueBytes,
    timestamp,
    headers: [
      ...headers,
      ['dead-letter.topic', topic],
      ['dead-letter.partition', String(partition)],
      ['dead-letter.offset', String(offset)],
      ['dead-letter.group', group ?? ''],
      ['dead-letter.error', why],
    ],
  }
}
