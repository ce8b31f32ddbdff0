import { UsageError } from '@odradek/protocol'
import type { PrintableRecord } from './record-template.ts'

/**
 * A record as one line of JSON, such that `consume -o ndjson | produce --ndjson` keeps every byte. Keys, values and header values that are
 * text stand as strings; null stands as null; other bytes as `{ "base64": … }`.
 *
 *     {"topic":"t","partition":0,"offset":7,"timestamp":1,"key":"k","value":"v","headers":[["a","b"]]}
 */
export type JsonBytes = string | null | { base64: string }

export interface JsonRecord {
  topic?: string
  partition?: number
  offset?: number
  timestamp?: number
  key?: JsonBytes
  value?: JsonBytes
  headers?: [string, JsonBytes][]
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function toJsonBytes(bytes: Uint8Array | null): JsonBytes {
  if (bytes === null) return null
  try {
    return strict.decode(bytes)
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') }
  }
}

export function toJsonLine(record: PrintableRecord): string {
  const { topic, partition, offset, timestamp } = record
  const headers = Array.from(record.headers, ([name, value]) => [name, toJsonBytes(value)])
  return `${JSON.stringify({ topic, partition, offset, timestamp, key: toJsonBytes(record.key), value: toJsonBytes(record.value), headers })}\n`
}

export interface InputRecord {
  partition?: number
  timestamp?: number
  key: Uint8Array | null
  value: Uint8Array | null
  headers: [string, Uint8Array | null][]
}

/** One line back into a record; offset and topic are not the reader's to decide. Throws UsageError naming the line. */
export function fromJsonLine(line: string, lineNumber: number): InputRecord {
  let parsed: JsonRecord
  try {
    parsed = JSON.parse(line)
  } catch (error) {
    throw new UsageError(`line ${lineNumber} is not JSON: ${(error as Error).message}`)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new UsageError(`line ${lineNumber} is not an object like {"key":"k","value":"v"}`)
  return {
    ...(typeof parsed.partition === 'number' && { partition: parsed.partition }),
    ...(typeof parsed.timestamp === 'number' && { timestamp: parsed.timestamp }),
    key: fromJsonBytes(parsed.key, 'key', lineNumber),
    value: fromJsonBytes(parsed.value, 'value', lineNumber),
    headers: headersOf(parsed.headers, lineNumber),
  }
}

function fromJsonBytes(value: JsonBytes | undefined, what: string, lineNumber: number): Uint8Array | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return Buffer.from(value)
  if (typeof value.base64 === 'string' && isBase64(value.base64)) return Buffer.from(value.base64, 'base64')
  throw new UsageError(`line ${lineNumber}: the ${what} must be a string, null or {"base64": "…"}`)
}

const isBase64 = (text: string): boolean =>
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)

function headersOf(headers: unknown, lineNumber: number): [string, Uint8Array | null][] {
  if (headers === undefined || headers === null) return []
  if (!Array.isArray(headers) || !headers.every(one => Array.isArray(one) && typeof one[0] === 'string'))
    throw new UsageError(`line ${lineNumber}: headers are a list of pairs, like [["name","value"]]`)
  return headers.map(([name, value]) => [name, fromJsonBytes(value, `header ${name}`, lineNumber)])
}
