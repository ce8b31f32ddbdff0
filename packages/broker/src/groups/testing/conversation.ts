/**
 * What conversations are made of that were held with Apache Kafka once, and are held with our broker in every test run: calls, and their
 * answers with everything evened out that two brokers may do differently. Written by the conversations: 'GROUP' for the name of the group.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { AnyApi } from '@odradek/protocol'

export type Fields = Readonly<Record<string, unknown>>

export interface Call {
  readonly api: AnyApi
  readonly version: number
  readonly request: Fields
}

export const ask = (api: AnyApi, version: number, request: Fields): Call => ({ api, version, request })

/** A copy with every text replaced. Buffers stay as they are; other bytes, as answers have them, become text first. */
export function rewritten(value: unknown, replace: (text: string) => unknown): unknown {
  if (typeof value === 'string') return replace(value)
  if (Buffer.isBuffer(value)) return value
  if (value instanceof Uint8Array) return replace(`bytes ${Buffer.from(value).toString('latin1')}`)
  if (Array.isArray(value)) return value.map(item => rewritten(item, replace))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewritten(item, replace)]))
}

/** As JSON: without some fields and without other groups of the same broker, arrays in order. */
export function shown(
  response: unknown,
  { without, groups }: { without: ReadonlySet<string>; groups: ReadonlySet<unknown> },
): string {
  return JSON.stringify(response, (key, value) => {
    if (without.has(key)) return undefined
    if (key === 'groups' && Array.isArray(value)) return value.filter(({ groupId }) => groups.has(groupId))
    if (!Array.isArray(value)) return value
    return value.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))
  })
}

/** The lines that Kafka gave are the lines that we give. `file`: beside the conversation. */
export function assertAsKafka(answers: readonly string[], file: URL): void {
  assert.deepEqual(answers, readFileSync(file, 'utf8').trimEnd().split('\n'))
}
