/** `partition.metadata`, as a file to look at. */
import type { Uuid } from '../engine.ts'
import type { DumpRow } from './dump-row.ts'
import type { Problem } from './finding.ts'

/** The topic's id; undefined when the text does not say it. */
export function topicIdIn(bytes: Uint8Array): Uuid | undefined {
  const short = /^version: 0\ntopic_id: ([\w-]{22})\n?$/.exec(Buffer.from(bytes).toString('latin1'))?.[1]
  if (short === undefined) return undefined
  const hex = Buffer.from(short, 'base64url').toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

export function ownerProblems(bytes: Uint8Array): Problem[] {
  if (topicIdIn(bytes) !== undefined) return []
  return [{ code: 'owner-damaged', byte: 0, problem: 'it is not the two lines that name a topic by its id' }]
}

export function* ownerRows(bytes: Uint8Array): Iterable<DumpRow> {
  yield { topicId: topicIdIn(bytes) ?? null }
}
