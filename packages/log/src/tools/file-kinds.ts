/**
 * Every kind of file of a data folder: how its name tells it, what is wrong with it when looked at alone, and what it says. Whoever adds
 * a file to FORMAT.md adds an entry here, and verify, dump and backup know it.
 */
import { hasValidCrc } from '@odradek/protocol/records'
import { decodeCleanedOffset } from '../compaction/cleaned-offset.ts'
import { swapRange } from '../compaction/compaction-files.ts'
import { decodeScrubPass } from '../damage/scrub-file.ts'
import { checkpointName, cleanShutdownName, metadataName, offsetInName } from '../folder/file-names.ts'
import { batchOverhead, batchSizeAt, looksLikeBatch, nextOffsetAt } from '../segment/batch-fields.ts'
import { checkpointCopies, checkpointProblems } from './checkpoint-file.ts'
import type { DumpRow } from './dump-row.ts'
import type { Problem } from './finding.ts'
import { journalPattern, journalRows } from './journal-file.ts'
import { ownerProblems, ownerRows } from './owner-file.ts'
import { quarantineProblems, quarantineRows } from './quarantine-rows.ts'
import { sidecarProblems, sidecarRows } from './sidecar-file.ts'
import { snapshotProblems, snapshotRows } from './snapshot-file.ts'

export interface FileKind {
  readonly kind: string
  readonly place: 'root' | 'partition' | 'journal'
  readonly pattern: RegExp
  /** What it holds, in a few words. */
  readonly holds: string
  /** Of the whole file. Absent: nothing to be wrong, or looked at together with others. */
  readonly problems?: (bytes: Uint8Array, name: string) => Problem[]
  readonly rows?: (bytes: Uint8Array, name: string) => Iterable<DumpRow>
}

export const fileKinds: readonly FileKind[] = [
  { kind: 'segment', place: 'partition', pattern: /^\d{20}\.log$/, holds: 'record batches' },
  {
    kind: 'sidecar',
    place: 'partition',
    pattern: /^\d{20}\.index$/,
    holds: 'index and description of a segment',
    problems: (bytes, name) => sidecarProblems(bytes, offsetInName(name, 'index')),
    rows: sidecarRows,
  },
  {
    kind: 'snapshot',
    place: 'partition',
    pattern: /^\d{20}\.snapshot$/,
    holds: 'producers as of an offset',
    problems: (bytes, name) => snapshotProblems(bytes, offsetInName(name, 'snapshot') ?? -1),
    rows: (bytes, name) => snapshotRows(bytes, offsetInName(name, 'snapshot') ?? -1),
  },
  {
    kind: 'quarantine',
    place: 'partition',
    pattern: /^\d{20}\.quarantine$/,
    holds: 'damaged ranges of a segment',
    problems: (bytes, name) => quarantineProblems(bytes, Number(name.slice(0, 20))),
    rows: (bytes, name) => quarantineRows(bytes, Number(name.slice(0, 20))),
  },
  {
    kind: 'owner',
    place: 'partition',
    pattern: new RegExp(`^${metadataName}$`),
    holds: "the topic's id",
    problems: ownerProblems,
    rows: ownerRows,
  },
  {
    kind: 'leftover',
    place: 'partition',
    pattern: /\.(deleted|cleaned|repaired|(snapshot|index)\.new)$/,
    holds: 'a file on its way in or out',
    problems: () => [{ code: 'leftover', problem: 'waits to be removed' }],
  },
  {
    kind: 'swap',
    place: 'partition',
    pattern: /^\d{20}-\d{20}\.swap$/,
    holds: 'a compacted segment that is taking the place of others',
    problems: swapProblems,
  },
  {
    kind: 'cleaned-offset',
    place: 'partition',
    pattern: /^cleaned-offset$/,
    holds: 'how far compaction came',
    problems: bytes =>
      decodeCleanedOffset(bytes) !== undefined
        ? []
        : [{ code: 'cleaned-offset-damaged', byte: 0, problem: 'it names no offset' }],
    rows: bytes => [{ cleanedOffset: decodeCleanedOffset(bytes)?.offset }],
  },
  {
    kind: 'checkpoint',
    place: 'root',
    pattern: new RegExp(`^${checkpointName}$`),
    holds: 'ends of every partition',
    problems: (bytes, name) => withoutUsageError(() => checkpointProblems(checkpointCopies(bytes, name))),
    rows: checkpointCopies as (bytes: Uint8Array, name: string) => Iterable<DumpRow>,
  },
  { kind: 'journal', place: 'journal', pattern: journalPattern, holds: 'ends of segments', rows: journalRows },
  {
    kind: 'scrub',
    place: 'root',
    pattern: /^scrub(\.new)?$/,
    holds: 'how the last pass of the scrub went',
    problems: (bytes, name) =>
      name.endsWith('.new') || decodeScrubPass(bytes) !== undefined
        ? []
        : [{ code: 'scrub-damaged', byte: 0, problem: 'it is no whole report of a pass' }],
    rows: bytes => [{ ...decodeScrubPass(bytes) }],
  },
  {
    kind: 'kept',
    place: 'root',
    pattern: /\.damaged-\d+$/,
    holds: 'what a start found damaged, and made again',
    problems: () => [{ code: 'leftover-damaged', problem: 'a start has put it aside and made it again' }],
  },
  { kind: 'clean-shutdown', place: 'root', pattern: new RegExp(`^${cleanShutdownName}$`), holds: 'nothing' },
  {
    kind: 'metadata',
    place: 'root',
    pattern: /^metadata\.(db|db-journal|log|log\.fresh|reserve)$/,
    holds: 'topics and settings',
  },
]

/** The next start ends what was interrupted; a damaged one takes nobody's place as long as the others are whole. */
function swapProblems(bytes: Uint8Array, name: string): Problem[] {
  const { baseOffset, nextOffset } = swapRange(name)!
  for (let [at, offset] = [0, baseOffset]; at < bytes.length; ) {
    const looksGood = at + batchOverhead <= bytes.length && looksLikeBatch(bytes, at, offset)
    const end = looksGood && nextOffsetAt(bytes, at) <= nextOffset ? at + batchSizeAt(bytes, at) : 0
    if (end === 0 || end > bytes.length || !hasValidCrc(bytes, at))
      return [{ code: 'swap-damaged', byte: at, problem: 'these bytes are no batch as it was written' }]
    offset = nextOffsetAt(bytes, at)
    at = end
  }
  return [{ code: 'swap-interrupted', problem: 'it takes the place of the segments it was made of at the next start' }]
}

export function kindOf(name: string, place: FileKind['place']): FileKind | undefined {
  return fileKinds.find(kind => kind.place === place && kind.pattern.test(name))
}

/** By its name alone, wherever it lies: for a file that was named on a command line. */
export const kindOfFile = (name: string): FileKind | undefined => fileKinds.find(({ pattern }) => pattern.test(name))

function withoutUsageError(look: () => Problem[]): Problem[] {
  try {
    return look()
  } catch (error) {
    return [{ code: 'checkpoint-damaged', byte: 0, problem: (error as Error).message.replace(/\..*$/s, '') }]
  }
}
