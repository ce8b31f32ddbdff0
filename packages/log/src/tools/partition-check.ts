/**
 * One partition's folder, gone through file by file: what is wrong in each, and whether they fit together.
 *
 * Nothing is written. Beside a running broker the log is looked at up to its durable offset, which was read before; what such a look finds
 * missing or half written may have changed under it, and is looked at again before it counts.
 */
import type { Disk, DiskFile } from '@odradek/world'
import { cleanedOffsetName } from '../compaction/compaction-files.ts'
import type { DamagedRange } from '../damage/damage.ts'
import { readQuarantine } from '../damage/quarantine-file.ts'
import { metadataName, offsetInName, segmentName, sidecarName, snapshotName } from '../folder/file-names.ts'
import { listIfThere, readFileIfThere } from '../folder/whole-file.ts'
import { decodeSnapshot } from '../producers/producer-snapshot.ts'
import { baseOffsetAt, batchOverhead, batchSizeAt, looksLikeBatch, nextOffsetAt } from '../segment/batch-fields.ts'
import { decodeSidecarHead, type SidecarHead } from '../segment/segment-sidecar.ts'
import type { PartitionEnds } from './checkpoint-file.ts'
import { kindOf } from './file-kinds.ts'
import { type Finding, type Problem, severityOf } from './finding.ts'
import type { JournaledPart } from './journal-file.ts'
import { topicIdIn } from './owner-file.ts'
import { type BadRange, type SegmentWalk, walkSegment } from './segment-walk.ts'
import { readSidecar } from './sidecar-file.ts'

export interface PartitionToCheck {
  readonly disk: Disk
  readonly root: string
  readonly folder: string
  /** Undefined: nothing is known of them. */
  readonly ends: PartitionEnds | undefined
  /** The last run ended in order: every byte is durable. */
  readonly clean: boolean
  /** A broker may be at work in it. */
  readonly live: boolean
  readonly deep: boolean
  /** Undefined: not known. */
  readonly compacted: boolean | undefined
  /** What the journal holds of it. */
  readonly journaled: JournaledPart | undefined
  readonly onBytes: (bytes: number) => void
}

export interface PartitionReport {
  readonly folder: string
  readonly segments: number
  readonly files: number
  readonly bytes: number
  readonly batches: number
  readonly records: number
  readonly firstOffset: number
  readonly nextOffset: number
  readonly findings: readonly Finding[]
}

interface CheckedSegment {
  readonly base: number
  readonly walk: SegmentWalk
}

/** Beside a running broker only what is found three times over counts. */
const looksBesideBroker = 3

export async function checkPartition(what: PartitionToCheck): Promise<PartitionReport> {
  for (let look = 1; ; look++) {
    const check = new PartitionCheck(what)
    await check.run()
    const report = check.report()
    if (!what.live || !report.findings.some(mayPass) || look === looksBesideBroker) return report
  }
}

/** What the broker's own doings may look like for a moment. */
const mayPass = (finding: Finding): boolean =>
  finding.code === 'torn-tail' || (severityOf(finding) === 'damage' && finding.code !== 'quarantined')

class PartitionCheck {
  readonly #what: PartitionToCheck
  readonly #findings: Finding[] = []
  readonly #segments: CheckedSegment[] = []
  /** What a start holds for acknowledged: the same rule as in recovery, which knows the checkpoint to be one witness of several. */
  #durableOffset: number
  /** Damage that is known, and said, already. */
  readonly #known: DamagedRange[] = []
  #files = 0
  #bytes = 0

  constructor(what: PartitionToCheck) {
    this.#what = what
    this.#durableOffset = what.ends?.durableOffset ?? 0
  }

  async run(): Promise<void> {
    const { disk, root, folder } = this.#what
    const names = await listIfThere(disk, `${root}/${folder}`)
    const bases = names.map(name => offsetInName(name, 'log')).filter(base => base !== undefined)
    this.#files = names.length
    for (const name of names) await this.#checkFile(name)
    for (const base of bases) this.#known.push(...(await readQuarantine(disk, `${root}/${folder}`, base)))
    if (bases.length > 0 && !names.includes(metadataName))
      this.#found(metadataName, { code: 'owner-damaged', problem: 'it is not there' })
    await this.#noteDurable(names, bases)
    for (const [i, base] of bases.entries()) await this.#checkSegment(base, bases[i + 1], names)
    this.#checkEnds()
    if (!(await this.#isSwapping(names))) this.#checkOrder(names.includes(cleanedOffsetName) || this.#what.compacted)
  }

  /** A snapshot, a sidecar and the journal are written of what is durable; a segment is begun when the one before it is. */
  async #noteDurable(names: readonly string[], bases: readonly number[]): Promise<void> {
    // Beside a broker they grow under the look, which ends where the checkpoint did before it.
    if (this.#what.live) return
    const last = bases.at(-1)
    const { disk, root, folder, journaled } = this.#what
    const witnesses = [this.#durableOffset, last ?? 0]
    const snapshots = names.map(name => offsetInName(name, 'snapshot')).filter(offset => offset !== undefined)
    for (const offset of snapshots.reverse()) {
      const bytes = await readFileIfThere(disk, `${root}/${folder}/${snapshotName(offset)}`)
      if (bytes === undefined || decodeSnapshot(bytes, offset) === undefined) continue
      witnesses.push(offset)
      break
    }
    if (last !== undefined) witnesses.push((await this.#sidecarHeadOf(last))?.nextOffset ?? 0)
    if (journaled?.segment === last) witnesses.push(journaled?.nextOffset ?? 0)
    this.#durableOffset = Math.max(...witnesses)
  }

  /** Compaction is, or was, about to replace segments: some may be between two names. Beside a broker it may come and go meanwhile. */
  async #isSwapping(names: readonly string[]): Promise<boolean> {
    const { disk, root, folder, live } = this.#what
    if (names.some(name => name.endsWith('.swap'))) return true
    if (!live) return false
    const now = new Set(await listIfThere(disk, `${root}/${folder}`))
    return names.some(name => name.endsWith('.log') && !now.has(name)) || [...now].some(name => name.endsWith('.swap'))
  }

  report(): PartitionReport {
    const sum = (of: (walk: SegmentWalk) => number) => this.#segments.reduce((total, { walk }) => total + of(walk), 0)
    return {
      folder: this.#what.folder,
      segments: this.#segments.length,
      files: this.#files,
      bytes: this.#bytes,
      batches: sum(walk => walk.batches),
      records: sum(walk => walk.records),
      firstOffset: this.#segments[0]?.base ?? 0,
      nextOffset: this.#segments.at(-1)?.walk.nextOffset ?? 0,
      findings: this.#findings,
    }
  }

  #found(name: string, problem: Problem): void {
    this.#findings.push({ file: `${this.#what.folder}/${name}`, ...problem })
  }

  async #checkFile(name: string): Promise<void> {
    const kind = kindOf(name, 'partition')
    if (kind === undefined) return this.#found(name, { code: 'unknown-file', problem: 'its name is not known' })
    if (kind.problems === undefined) return
    let problems: Problem[] = []
    for (let look = this.#what.live ? 3 : 1; look > 0; look--) {
      const bytes = await this.#read(name)
      problems = bytes === undefined ? [] : kind.problems(bytes, name)
      if (problems.length === 0) return
    }
    for (const problem of problems) this.#found(name, problem)
  }

  async #read(name: string): Promise<Uint8Array | undefined> {
    const { disk, root, folder, onBytes } = this.#what
    const bytes = await readFileIfThere(disk, `${root}/${folder}/${name}`)
    this.#bytes += bytes?.length ?? 0
    onBytes(bytes?.length ?? 0)
    return bytes
  }

  async #checkSegment(base: number, nextBase: number | undefined, names: readonly string[]): Promise<void> {
    const { disk, root, folder, live, deep, ends, journaled, onBytes } = this.#what
    const name = segmentName(base)
    const file = await disk.open(`${root}/${folder}/${name}`, 'read').catch((error: NodeJS.ErrnoException) => {
      // Retention, or compaction, may have taken it away since the folder was listed.
      if (!(live && error.code === 'ENOENT')) this.#found(name, { code: 'unreadable', problem: error.message })
    })
    if (file === undefined) return
    try {
      const sidecar = await this.#sidecarOf(base)
      const entries = new Map<number, number>()
      for (let i = 0; i < (sidecar?.index.length ?? 0); i++)
        entries.set(sidecar!.index.entry(i).position, base + sidecar!.index.entry(i).relativeOffset)
      const walk = await walkSegment(file, {
        ...{ baseOffset: base, before: nextBase ?? Number.POSITIVE_INFINITY, dense: nextBase === undefined, deep },
        ...(live &&
          nextBase === undefined && { until: Math.max(base, ends?.durableOffset ?? 0, journaled?.nextOffset ?? 0) }),
        visit: (header, _, position) => {
          onBytes(header.sizeInBytes)
          if (entries.get(position) === header.baseOffset) entries.delete(position)
        },
      })
      this.#segments.push({ base, walk })
      this.#bytes += file.size
      const isCompacted = names.includes(cleanedOffsetName) || this.#what.compacted === true
      for (const bad of walk.damaged)
        if (!this.#isKnown(base, bad)) {
          const loss = isCompacted ? await withoutHole(file, bad) : bad
          this.#found(name, { code: 'segment-damaged', ...where(loss), problem: bad.reason })
        }
      for (const bad of walk.undecodable)
        this.#found(name, { code: 'records-damaged', ...where(bad), problem: bad.reason })
      if (walk.tail !== undefined && !this.#isKnown(base, walk.tail)) this.#checkTail(name, walk.tail, nextBase)
      if (sidecar === undefined && nextBase !== undefined && !names.includes(sidecarName(base)))
        this.#found(sidecarName(base), { code: 'sidecar-missing', problem: 'it is not there' })
      if (sidecar !== undefined && walk.damaged.length === 0)
        this.#checkSidecar(base, nextBase, sidecar, walk, file.size, entries)
    } finally {
      await file.close()
    }
  }

  #isKnown(segment: number, { position, bytes }: BadRange): boolean {
    return this.#known.some(
      range => range.segment === segment && range.fromPosition <= position && range.toPosition >= position + bytes,
    )
  }

  /** Whether all these offsets are known to be lost. */
  #areLost(from: number, to: number): boolean {
    return this.#known.some(({ fromOffset, toOffset }) => fromOffset <= from && toOffset >= to)
  }

  #sidecarBytes(base: number): Promise<Uint8Array | undefined> {
    const { disk, root, folder } = this.#what
    return readFileIfThere(disk, `${root}/${folder}/${sidecarName(base)}`)
  }

  async #sidecarHeadOf(base: number): Promise<SidecarHead | undefined> {
    const bytes = await this.#sidecarBytes(base)
    const head = bytes && decodeSidecarHead(bytes)
    return head?.baseOffset === base ? head : undefined
  }

  async #sidecarOf(base: number) {
    const bytes = await this.#sidecarBytes(base)
    const sidecar = bytes && readSidecar(bytes)
    return sidecar?.head.baseOffset === base ? sidecar : undefined
  }

  /** Bytes behind which no batch follows: torn, if they lie past all that was durable. */
  #checkTail(name: string, tail: BadRange, nextBase: number | undefined): void {
    const durable = this.#durableOffset
    const isTorn = nextBase === undefined && !this.#what.clean && tail.fromOffset >= durable
    // A tail that ends where the next segment begins holds nothing.
    const isEmptyEnd = nextBase !== undefined && tail.fromOffset >= nextBase
    const to = nextBase ?? Math.max(durable, tail.fromOffset)
    const code = this.#isInJournal(offsetInName(name, 'log')!, tail.position) ? 'in-journal' : 'segment-damaged'
    this.#found(name, {
      code: isTorn || isEmptyEnd ? 'torn-tail' : code,
      ...where({ ...tail, toOffset: isTorn ? tail.fromOffset : to }),
      problem: tail.reason,
    })
  }

  #isInJournal(segment: number, position: number): boolean {
    const { journaled } = this.#what
    return (
      journaled?.segment === segment && journaled.position <= position && journaled.nextOffset >= this.#durableOffset
    )
  }

  #checkSidecar(
    base: number,
    nextBase: number | undefined,
    { head }: NonNullable<ReturnType<typeof readSidecar>>,
    walk: SegmentWalk,
    size: number,
    entries: ReadonlyMap<number, number>,
  ): void {
    const name = sidecarName(base)
    const untrue = (problem: string) => this.#found(name, { code: 'sidecar-untrue', problem })
    // A live segment is walked up to its durable end only; its sidecar may know more.
    if (head.logSize > size) untrue(`it describes ${head.logSize} bytes of a segment of ${size}`)
    else if (head.logSize === walk.end && walk.tail === undefined && !isEndOf(walk, head.nextOffset, nextBase))
      untrue(`it says that the segment ends before offset ${head.nextOffset}, which is ${walk.nextOffset}`)
    const wrong = [...entries].find(([position]) => position < Math.min(walk.end, head.logSize))
    if (wrong !== undefined) untrue(`no batch of offset ${wrong[1]} begins at byte ${wrong[0]}`)
  }

  #checkOrder(compacted: boolean | undefined): void {
    const { ends } = this.#what
    const first = this.#segments[0]
    if (first !== undefined && ends !== undefined && first.base > ends.logStartOffset && compacted !== true)
      this.#found(segmentName(first.base), {
        code: 'log-starts-late',
        offsets: [ends.logStartOffset, first.base],
        problem: `it is the first segment; the log begins at offset ${ends.logStartOffset}`,
      })
    for (const [i, { base }] of this.#segments.entries()) {
      const before = this.#segments[i - 1]?.walk
      if (
        before === undefined ||
        before.nextOffset >= base ||
        before.tail !== undefined ||
        this.#areLost(before.nextOffset, base)
      )
        continue
      this.#found(segmentName(base), {
        code: compacted === false ? 'segment-missing' : 'offset-gap',
        offsets: [before.nextOffset, base],
        problem: `the segment before it ends before offset ${before.nextOffset}`,
      })
    }
  }

  #checkEnds(): void {
    const durable = this.#durableOffset
    const last = this.#segments.at(-1)
    const name = segmentName(last?.base ?? 0)
    const end = last?.walk.nextOffset ?? 0
    if (end < durable && last?.walk.tail === undefined && !this.#areLost(end, durable))
      this.#found(name, {
        code: last && this.#isInJournal(last.base, last.walk.end) ? 'in-journal' : 'log-ends-early',
        ...(last && { byte: last.walk.end }),
        offsets: [end, durable],
        problem: `the log ends before offset ${end}; up to ${durable} was durable`,
      })
  }
}

/** What compaction had taken before the damaged batch is not lost: its header says where it begins, if it fits the batch behind it. */
async function withoutHole(file: DiskFile, bad: BadRange): Promise<BadRange> {
  const header = await file.read(bad.position, batchOverhead)
  if (header.length < batchOverhead || !looksLikeBatch(header, 0, bad.fromOffset)) return bad
  const isWhole = batchSizeAt(header, 0) === bad.bytes && nextOffsetAt(header, 0) <= bad.toOffset
  return isWhole ? { ...bad, fromOffset: baseOffsetAt(header, 0) } : bad
}

/** Compaction may have left nothing at the end of a segment. */
const isEndOf = (walk: SegmentWalk, offset: number, nextBase = walk.nextOffset): boolean =>
  offset >= walk.nextOffset && offset <= Math.max(nextBase, walk.nextOffset)

const where = ({ position, bytes, fromOffset, toOffset }: BadRange) => ({
  byte: position,
  bytes,
  ...(toOffset > fromOffset && { offsets: [fromOffset, toOffset] as const }),
})

/** The topic a folder belongs to; undefined when it does not say. */
export async function topicOfFolder(disk: Disk, folder: string): Promise<string | undefined> {
  const bytes = await readFileIfThere(disk, `${folder}/${metadataName}`)
  return bytes && topicIdIn(bytes)
}
