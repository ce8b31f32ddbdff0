/**
 * Batches of a backup that take the place of damaged ones: the same topic, the same offsets, the right checksum.
 *
 *     lost       [ from ………………………………………… to )
 *     backup       batch │ hole │ batch │ damaged │ batch      a hole, left by compaction, is as good as a batch: nothing was there
 *     lacking                            [        )
 */
import type { Disk } from '@odradek/world'
import { cleanedOffsetName } from '../compaction/compaction-files.ts'
import { decodeQuarantine } from '../damage/quarantine-file.ts'
import { offsetInName } from '../folder/file-names.ts'
import { readFileIfThere } from '../folder/whole-file.ts'
import { type BackupManifest, type BackupPartition, dataName, folderOf, sha256Of } from './backup-manifest.ts'
import { walkSegment } from './segment-walk.ts'

type Span = readonly [from: number, to: number]

export interface FoundBatches {
  readonly bytes: readonly Uint8Array[]
  /** 0: compaction had taken everything. */
  readonly size: number
  /** The first offset that the backup answers for, and the one after the last. */
  readonly fromOffset: number
  readonly toOffset: number
  /** What it does not answer for, and how many of the bytes come before it. */
  readonly lacking: readonly { readonly from: number; readonly to: number; readonly at: number }[]
}

export interface LostOffsets {
  readonly topicId: string
  readonly index: number
  readonly from: number
  readonly to: number
}

interface FoundBatch {
  readonly bytes: Uint8Array
  readonly to: number
}

/** Undefined when the backup answers for none of them. */
export async function batchesFor(
  disk: Disk,
  backup: string,
  manifest: BackupManifest,
  lost: LostOffsets,
): Promise<FoundBatches | undefined> {
  const partition = manifest.partitions.find(({ topicId, index }) => topicId === lost.topicId && index === lost.index)
  if (partition === undefined) return undefined
  const bases = partition.files
    .map(({ name }) => offsetInName(name, 'log'))
    .filter(base => base !== undefined)
    .sort((a, b) => a - b)
  const found: FoundBatch[] = []
  let lacking: Span[] = [[lost.from, lost.to]]
  for (const [i, base] of bases.entries()) {
    const before = bases[i + 1] ?? partition.nextOffset
    if (base >= lost.to || before <= lost.from) continue
    const segment = await readBackedUp(disk, `${backup}/${dataName}/${folderOf(partition)}`, partition, {
      ...{ base, before, lost },
    })
    found.push(...segment.found)
    const unanswered = lacking.flatMap(span => without(span, [base, before]))
    const inIt = lacking.flatMap(span => segment.bad.map(bad => overlap(overlap(span, [base, before]), bad)))
    lacking = [...unanswered, ...inIt].filter(([from, to]) => from < to).sort((a, b) => a[0] - b[0])
  }
  return together(found, lacking, lost)
}

/** Whether the backup is from before what compaction has last done to a log that is there. */
export async function isCleanedSince(
  disk: Disk,
  folder: string,
  manifest: BackupManifest,
  { topicId, index }: Pick<LostOffsets, 'topicId' | 'index'>,
): Promise<boolean> {
  const now = await readFileIfThere(disk, `${folder}/${cleanedOffsetName}`)
  if (now === undefined) return false
  const partition = manifest.partitions.find(each => each.topicId === topicId && each.index === index)
  return partition?.files.find(({ name }) => name === cleanedOffsetName)?.sha256 !== sha256Of(now)
}

function together(found: readonly FoundBatch[], lacking: readonly Span[], lost: LostOffsets): FoundBatches | undefined {
  if (lacking.length === 1 && lacking[0]![0] === lost.from && lacking[0]![1] === lost.to) return undefined
  const sizeOf = (batches: readonly FoundBatch[]) => batches.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const [first, last] = [lacking[0], lacking.at(-1)]
  return {
    bytes: found.map(({ bytes }) => bytes),
    size: sizeOf(found),
    fromOffset: first?.[0] === lost.from ? first[1] : lost.from,
    toOffset: last?.[1] === lost.to ? last[0] : lost.to,
    lacking: lacking.map(([from, to]) => ({ from, to, at: sizeOf(found.filter(batch => batch.to <= from)) })),
  }
}

/** Batches that lie within what is lost, and offsets of which the segment does not say what they were. */
async function readBackedUp(
  disk: Disk,
  folder: string,
  partition: BackupPartition,
  { base, before, lost }: { base: number; before: number; lost: LostOffsets },
): Promise<{ found: FoundBatch[]; bad: Span[] }> {
  const stored = (suffix: string) =>
    partition.files.find(({ name }) => name.endsWith(suffix) && Number.parseInt(name, 10) === base)?.stored
  const found: FoundBatch[] = []
  const bad: Span[] = []
  const file = await disk.open(`${folder}/${stored('.log')}`, 'read')
  try {
    const walk = await walkSegment(file, {
      ...{ baseOffset: base, before },
      visit: ({ baseOffset, lastOffset, at, end }, bytes) => {
        const isWithin = baseOffset >= lost.from && lastOffset < lost.to
        if (isWithin) found.push({ bytes: bytes.slice(at, end), to: lastOffset + 1 })
        else bad.push([baseOffset, lastOffset + 1])
      },
    })
    for (const { fromOffset, toOffset } of walk.damaged) bad.push([fromOffset, toOffset])
    // Without compaction nothing is missing at the end of a segment but what is lost.
    const isCompacted = partition.files.some(({ name }) => name === cleanedOffsetName)
    if (walk.tail !== undefined || !isCompacted) bad.push([walk.nextOffset, before])
  } finally {
    await file.close()
  }
  const quarantine = stored('.quarantine')
  const known = quarantine && (await readFileIfThere(disk, `${folder}/${quarantine}`))
  for (const { fromOffset, toOffset } of (known && decodeQuarantine(known, base)) || [])
    bad.push([fromOffset, toOffset])
  return { found, bad: inOrder(bad) }
}

const overlap = ([a, b]: Span, [from, to]: Span): Span => [Math.max(a, from), Math.max(a, from, Math.min(b, to))]

const without = ([a, b]: Span, [from, to]: Span): Span[] => [
  [a, Math.min(b, from)],
  [Math.max(a, to), b],
]

/** None overlaps another. */
function inOrder(spans: readonly Span[]): Span[] {
  const joined: Span[] = []
  for (const [from, to] of spans.toSorted((a, b) => a[0] - b[0])) {
    const last = joined.at(-1)
    if (last !== undefined && from <= last[1]) joined[joined.length - 1] = [last[0], Math.max(last[1], to)]
    else if (from < to) joined.push([from, to])
  }
  return joined
}
