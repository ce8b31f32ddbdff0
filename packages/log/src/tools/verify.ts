/**
 * A data folder gone through file by file, without changing a byte. What is found is said with its place; what it means, and how to mend
 * it, is in the table of findings.
 */
import type { Disk } from '@odradek/world'
import { partitionKey } from '../folder/checkpoint.ts'
import { checkpointName, cleanShutdownName } from '../folder/file-names.ts'
import { readFileIfThere } from '../folder/whole-file.ts'
import { aroundBadSectors } from './bad-sectors.ts'
import { checkpointCopies, type PartitionEnds, partitionEnds } from './checkpoint-file.ts'
import { kindOf } from './file-kinds.ts'
import type { Finding } from './finding.ts'
import { readJournal } from './journal-file.ts'
import { lostFindings } from './lost-partitions.ts'
import { checkPartition, type PartitionReport, topicOfFolder } from './partition-check.ts'
import { type FoundName, folderKind, foundNames } from './partition-names.ts'

export interface VerifyOptions {
  readonly disk: Disk
  readonly folder: string
  /** A broker may be at work in the folder: logs are looked at up to their durable offset. */
  readonly live?: boolean
  /** Decodes every record. */
  readonly deep?: boolean
  readonly topic?: string | undefined
  readonly partition?: number | undefined
  /** What is known of the topics: undefined when nothing is, null for one that is not there. */
  readonly topics?: (topicId: string) => { name: string; compacted: boolean } | null | undefined
  /** Bytes gone through since the last call. */
  readonly onBytes?: (bytes: number) => void
}

export interface VerifyReport {
  readonly findings: readonly Finding[]
  readonly partitions: readonly PartitionReport[]
  readonly files: number
  readonly bytes: number
}

/** What cannot be read hides nothing else: each such file is a finding. */
export async function verifyFolder(options: VerifyOptions): Promise<VerifyReport> {
  const unreadable = new Map<string, number>()
  const disk = aroundBadSectors(options.disk, (path, byte) => {
    if (!unreadable.has(path)) unreadable.set(path, byte)
  })
  const report = await lookThrough({ ...options, disk })
  const findings = Array.from(unreadable, ([path, byte]): Finding => {
    const file = path.slice(options.folder.length + 1)
    return { file, code: 'unreadable', byte, problem: `it cannot be read at byte ${byte}` }
  })
  return { ...report, findings: [...report.findings, ...findings] }
}

async function lookThrough(options: VerifyOptions): Promise<VerifyReport> {
  const { disk, folder, live = false, deep = false, topics = () => undefined, onBytes = () => undefined } = options
  const names = await foundNames(disk, folder)
  const findings: Finding[] = []
  const partitions: PartitionReport[] = []
  const wanted = { topic: options.topic, partition: options.partition }
  const isAll = wanted.topic === undefined && wanted.partition === undefined
  const clean = names.some(({ name }) => name === cleanShutdownName)
  const journal = await readJournal(disk, folder)
  if (isAll && hasLostCheckpoint(names))
    findings.push({ file: checkpointName, code: 'checkpoint-missing', problem: 'it is not there' })
  let files = 0
  let bytes = 0
  for (const { name, place } of names) {
    if (place.kind !== 'partition') {
      if (!isAll) continue
      if (place.kind === 'journal') {
        files += journal.files
        findings.push(...(live ? [] : journal.findings))
        continue
      }
      files++
      findings.push(...(await rootFindings(disk, folder, name)))
      continue
    }
    if (!isWanted(place, wanted)) continue
    // Before the partition is looked at, so that all of it that is durable by now is there.
    const ends = (await endsOf(disk, folder)) ?? new Map<string, PartitionEnds>()
    const topicId = await topicOfFolder(disk, `${folder}/${name}`)
    const known = topicId === undefined ? undefined : topics(topicId)
    if (known === null || (known !== undefined && known.name !== place.topic))
      findings.push({ file: name, code: 'owner-foreign', problem: `it belongs to the topic with id ${topicId}` })
    const report = await checkPartition({
      ...{ disk, root: folder, folder: name, clean, live, deep, onBytes },
      ends: topicId === undefined ? undefined : ends.get(partitionKey(topicId, place.index)),
      compacted: known?.compacted,
      journaled: topicId === undefined ? undefined : journal.parts.get(partitionKey(topicId, place.index)),
    })
    partitions.push(report)
    findings.push(...report.findings)
    files += report.files
    bytes += report.bytes
  }
  // Beside a broker a topic may be deleted at any moment.
  if (isAll && !live)
    findings.push(...(await lostFindings(disk, folder, (await endsOf(disk, folder)) ?? new Map(), topics)))
  return { findings, partitions, files, bytes }
}

/** A folder without partitions has nothing to say in one. */
const hasLostCheckpoint = (names: readonly FoundName[]): boolean =>
  names.some(({ place }) => place.kind === 'partition') && !names.some(({ name }) => name === checkpointName)

export interface Wanted {
  readonly topic?: string | undefined
  readonly partition?: number | undefined
}

export const isWanted = (place: { topic: string; index: number }, { topic, partition }: Wanted): boolean =>
  (topic === undefined || place.topic === topic) && (partition === undefined || place.index === partition)

/** Undefined when there is no checkpoint, or none that can be read. */
export async function endsOf(disk: Disk, folder: string): Promise<Map<string, PartitionEnds> | undefined> {
  const path = `${folder}/${checkpointName}`
  const bytes = await readFileIfThere(disk, path)
  try {
    return bytes && partitionEnds(checkpointCopies(bytes, path))
  } catch {
    return undefined
  }
}

async function rootFindings(disk: Disk, folder: string, name: string): Promise<Finding[]> {
  if (folderKind(name).kind === 'aside')
    return [{ file: name, code: 'leftover', problem: 'a folder that was put aside; no broker uses it' }]
  const kind = kindOf(name, 'root')
  if (kind === undefined) return [{ file: name, code: 'unknown-file', problem: 'its name is not known' }]
  if (kind.problems === undefined) return []
  const bytes = await readFileIfThere(disk, `${folder}/${name}`)
  return bytes === undefined ? [] : kind.problems(bytes, name).map(problem => ({ file: name, ...problem }))
}
