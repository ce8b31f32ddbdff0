/** A quarantine file, as a file to look at: which ranges of its segment are known to be damaged. */
import { decodeQuarantine } from '../damage/quarantine-file.ts'
import type { DumpRow } from './dump-row.ts'
import type { Problem } from './finding.ts'

export function quarantineProblems(bytes: Uint8Array, segment: number): Problem[] {
  const ranges = decodeQuarantine(bytes, segment)
  if (ranges === undefined)
    return [{ code: 'quarantine-damaged', byte: 0, problem: 'it is no whole list of ranges of its segment' }]
  return ranges.map(({ fromPosition, toPosition, fromOffset, toOffset, reason }) => ({
    code: 'quarantined',
    byte: fromPosition,
    bytes: toPosition - fromPosition,
    ...(toOffset > fromOffset && { offsets: [fromOffset, toOffset] as const }),
    problem: reason,
  }))
}

export function* quarantineRows(bytes: Uint8Array, segment: number): Iterable<DumpRow> {
  for (const range of decodeQuarantine(bytes, segment) ?? []) yield { ...range }
}
