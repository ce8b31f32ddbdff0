/**
 * The journal, as files to look at: what it holds of which partition. After a crash it may hold what the segments lack; the next start
 * writes that into them, so their ends are judged together with it.
 */
import type { Disk } from '@odradek/world'
import { partitionKey } from '../folder/checkpoint.ts'
import { journalName, segmentName } from '../folder/file-names.ts'
import { ifUnreadable, listIfThere } from '../folder/whole-file.ts'
import { damagedGroups, entriesOf, type ScannedPiece, scanPiece } from '../journal/journal-scan.ts'
import type { DumpRow } from './dump-row.ts'
import type { Finding } from './finding.ts'

/** Of one partition's last segment. */
export interface JournaledPart {
  readonly segment: number
  /** From here on the journal has its bytes. */
  readonly position: number
  readonly nextOffset: number
}

export interface FoundJournal {
  readonly parts: ReadonlyMap<string, JournaledPart>
  readonly findings: readonly Finding[]
  readonly files: number
}

export async function readJournal(disk: Disk, root: string): Promise<FoundJournal> {
  const folder = `${root}/${journalName}`
  const listed = await listIfThere(disk, folder).catch(ifUnreadable(null))
  const names = (listed ?? []).filter(name => journalPattern.test(name))
  const pieces: ScannedPiece[] = []
  for (const name of names) pieces.push(scanPiece(Buffer.from(await disk.readFile(`${folder}/${name}`))))
  const damaged = damagedGroups(pieces)
  const problem = `${damaged} of its groups were durable and are damaged`
  const findings: Finding[] = []
  if (listed === null) findings.push({ file: journalName, code: 'journal-damaged', problem: 'it is no folder' })
  if (damaged > 0) findings.push({ file: journalName, code: 'journal-damaged', problem })
  return { parts: partsOf(pieces), findings, files: names.length }
}

export const journalPattern = /^\d+\.journal$/

function partsOf(pieces: readonly ScannedPiece[]): Map<string, JournaledPart> {
  const parts = new Map<string, JournaledPart>()
  for (const { owner, segment, position, nextOffset } of entriesOf(pieces)) {
    const key = partitionKey(owner.topicId, owner.index)
    const known = parts.get(key)
    const isSame = known?.segment === segment
    parts.set(key, { segment, position: isSame ? Math.min(known.position, position) : position, nextOffset })
  }
  return parts
}

export function* journalRows(bytes: Uint8Array): Iterable<DumpRow> {
  for (const { sequence, number, entries } of scanPiece(Buffer.from(bytes)).groups)
    for (const { owner, segment, position, nextOffset, bytes: length } of entries)
      yield {
        ...{ sequence, group: number, topic: owner.topic, partition: owner.index, topicId: owner.topicId },
        ...{ segment: segmentName(segment), position, bytes: length, nextOffset },
      }
}
