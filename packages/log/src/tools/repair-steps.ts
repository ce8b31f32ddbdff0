/**
 * The repairs of one partition's files, in the order in which they are made: first what segments hold, then what is made from them.
 *
 * A segment is never changed in place but for a cut: a new one is written beside it and takes its name when it is durable.
 */
import type { Clock, Disk } from '@odradek/world'
import type { DamagedRange } from '../damage/damage.ts'
import { readQuarantine, writeQuarantine } from '../damage/quarantine-file.ts'
import { offsetInName, quarantineName, segmentName, sidecarName } from '../folder/file-names.ts'
import { writeFile } from '../folder/whole-file.ts'
import type { BackupManifest } from './backup-manifest.ts'
import type { Finding } from './finding.ts'
import { topicOfFolder } from './partition-check.ts'
import { folderKind } from './partition-names.ts'
import type { Aside } from './repair-aside.ts'
import { batchesFor, type FoundBatches, isCleanedSince } from './repair-range.ts'
import { describeSegment } from './segment-description.ts'

export interface RepairStep {
  readonly file: string
  /** What it does, as an order. */
  readonly step: string
  readonly mends: readonly Finding[]
  apply(): Promise<void>
}

export interface PartitionToRepair {
  readonly disk: Disk
  readonly clock: Clock
  readonly root: string
  readonly name: string
  readonly aside: Aside
  readonly backup: { readonly manifest: BackupManifest; readonly folder: string } | undefined
}

const missing = new Set(['segment-missing', 'log-starts-late'])
const lossy = new Set(['segment-damaged', 'log-ends-early', 'quarantined'])
const sidecars = new Set(['sidecar-missing', 'sidecar-damaged', 'sidecar-untrue'])

export class PartitionRepair {
  readonly #what: PartitionToRepair
  readonly #findings: readonly Finding[]
  /** Segments that change, whose sidecars must be made again. */
  readonly #changed = new Set<number>()
  /** Compaction has worked on the log since the backup. */
  #isCleanedSince = false

  constructor(what: PartitionToRepair, findings: readonly Finding[]) {
    this.#what = what
    this.#findings = findings
  }

  async steps(): Promise<RepairStep[]> {
    const steps: RepairStep[] = []
    for (const finding of this.#findings) if (finding.code === 'torn-tail') steps.push(this.#cut(finding))
    // From the end to the start: what is put in moves what is behind it.
    const lost = this.#findings.filter(({ code }) => lossy.has(code))
    for (const finding of lost.sort((a, b) => (b.byte ?? 0) - (a.byte ?? 0))) {
      const step = await this.#bringBack(finding)
      if (step !== undefined) steps.push(step)
    }
    for (const finding of this.#findings.filter(({ code }) => missing.has(code))) {
      const found = await this.#inBackup(finding)
      if (found !== undefined && found.size > 0) steps.push(this.#newSegment(finding, found))
    }
    for (const finding of this.#findings) {
      if (finding.code === 'snapshot-damaged')
        steps.push(this.#remove(finding, 'the next start replays the log instead'))
      if (finding.code === 'quarantine-damaged') steps.push(this.#remove(finding, 'its ranges are found again'))
    }
    steps.push(...this.#sidecars())
    return steps
  }

  #path(name: string): string {
    return `${this.#what.root}/${this.#what.name}/${name}`
  }

  #cut(finding: Finding): RepairStep {
    const { disk, root, aside } = this.#what
    const byte = finding.byte ?? 0
    return {
      file: finding.file,
      step: `cut off ${finding.bytes} bytes at byte ${byte}, a write that was never acknowledged`,
      mends: [finding],
      apply: async () => {
        const file = await disk.open(`${root}/${finding.file}`, 'existing')
        try {
          await aside.keepBytes(finding.file, byte, await file.read(byte, file.size - byte))
          file.truncate(byte)
          await file.sync()
        } finally {
          await file.close()
        }
      },
    }
  }

  /** From the backup, or into quarantine. */
  async #bringBack(finding: Finding): Promise<RepairStep | undefined> {
    const segment = Number(finding.file.slice(this.#what.name.length + 1).slice(0, 20))
    const [from, to] = finding.offsets ?? [0, 0]
    const found = await this.#inBackup(finding)
    const isThere = await this.#what.disk.exists(this.#path(segmentName(segment)))
    if (found !== undefined) return isThere ? this.#replace(segment, finding, found) : this.#newSegment(finding, found)
    if (finding.code === 'quarantined') return undefined
    const why = this.#isCleanedSince ? `. ${notFromBefore}` : ''
    return {
      file: finding.file,
      step: `put ${offsetsText(from, to)} in quarantine, so that the rest is served${why}`,
      mends: [finding],
      apply: () => this.#quarantine(segment, this.#rangeOf(segment, finding)),
    }
  }

  async #inBackup({ offsets: [from, to] = [0, 0] }: Finding): Promise<FoundBatches | undefined> {
    const { disk, root, name, backup } = this.#what
    const place = folderKind(name)
    const topicId = await topicOfFolder(disk, `${root}/${name}`)
    if (backup === undefined || topicId === undefined || place.kind !== 'partition' || to <= from) return undefined
    this.#isCleanedSince = await isCleanedSince(disk, `${root}/${name}`, backup.manifest, {
      topicId,
      index: place.index,
    })
    if (this.#isCleanedSince) return undefined
    return batchesFor(disk, backup.folder, backup.manifest, { topicId, index: place.index, from, to })
  }

  /** What a segment held that is gone, in a segment of its own. */
  #newSegment(finding: Finding, found: FoundBatches): RepairStep {
    const { disk, root, name } = this.#what
    const file = `${name}/${segmentName(found.fromOffset)}`
    this.#changed.add(found.fromOffset)
    return {
      file,
      step: `bring back ${offsetsText(found.fromOffset, found.toOffset)} from the backup, ${found.size} bytes in a segment of their own`,
      mends: [finding],
      apply: async () => {
        const segment = await disk.open(`${root}/${file}.repaired`, 'fresh')
        try {
          segment.write(0, found.bytes)
          await segment.sync()
        } finally {
          await segment.close()
        }
        await disk.rename(`${root}/${file}.repaired`, `${root}/${file}`)
        await disk.syncFolder(`${root}/${name}`)
      },
    }
  }

  #rangeOf(segment: number, { byte = 0, bytes = 0, offsets: [from, to] = [0, 0], problem }: Finding): DamagedRange {
    const foundAt = this.#what.clock.now()
    return {
      segment,
      fromPosition: byte,
      toPosition: byte + bytes,
      fromOffset: from,
      toOffset: to,
      reason: problem,
      foundAt,
    }
  }

  async #quarantine(segment: number, range: DamagedRange): Promise<void> {
    const { disk, root, name, aside } = this.#what
    await aside.keep(`${name}/${quarantineName(segment)}`)
    const known = await readQuarantine(disk, `${root}/${name}`, segment)
    const all = [...known, range].sort((a, b) => a.fromPosition - b.fromPosition || a.fromOffset - b.fromOffset)
    await writeQuarantine(disk, `${root}/${name}`, segment, all)
  }

  #replace(segment: number, finding: Finding, found: FoundBatches): RepairStep {
    const lost = found.lacking.map(({ from, to }) => `; ${absenceText(from, to)}`).join('')
    this.#changed.add(segment)
    return {
      file: `${this.#what.name}/${String(segment).padStart(20, '0')}.log`,
      step: `bring back ${offsetsText(found.fromOffset, found.toOffset)} from the backup, ${found.size} bytes at byte ${finding.byte ?? 0}${lost}`,
      mends: [finding],
      apply: () => this.#splice(segment, finding, found),
    }
  }

  async #splice(segment: number, finding: Finding, found: FoundBatches): Promise<void> {
    const { disk, root, name, aside } = this.#what
    const file = `${name}/${String(segment).padStart(20, '0')}.log`
    const path = `${root}/${file}`
    const { byte = 0, bytes = 0 } = finding
    await aside.keep(file)
    await writeSpliced(disk, path, { byte, bytes, chunks: found.bytes, size: found.size })
    await disk.rename(`${path}.repaired`, path)
    await disk.syncFolder(`${root}/${name}`)
    await this.#moveRanges(segment, finding, found.size)
    for (const { from, to, at } of found.lacking)
      await this.#quarantine(segment, {
        ...this.#rangeOf(segment, finding),
        fromPosition: byte + at,
        toPosition: byte + at,
        fromOffset: from,
        toOffset: to,
      })
  }

  /** Known damage that is mended goes; what lies behind it has moved. */
  async #moveRanges(segment: number, { byte = 0, bytes = 0, offsets }: Finding, size: number): Promise<void> {
    const { disk, root, name, aside } = this.#what
    const known = await readQuarantine(disk, `${root}/${name}`, segment)
    if (known.length === 0) return
    await aside.keep(`${name}/${quarantineName(segment)}`)
    const isAt = ({ fromPosition, toPosition }: DamagedRange) => fromPosition === byte && toPosition === byte + bytes
    const left = known
      .filter(range => !(isAt(range) && range.fromOffset >= offsets![0] && range.toOffset <= offsets![1]))
      .map(range =>
        range.fromPosition < byte || isAt(range)
          ? range
          : { ...range, fromPosition: range.fromPosition + size - bytes, toPosition: range.toPosition + size - bytes },
      )
    if (left.length > 0) return writeQuarantine(disk, `${root}/${name}`, segment, left)
    await disk.remove(this.#path(quarantineName(segment)))
    await disk.syncFolder(`${root}/${name}`)
  }

  #remove(finding: Finding, why: string): RepairStep {
    const { disk, root, aside } = this.#what
    return {
      file: finding.file,
      step: `put it aside: ${why}`,
      mends: [finding],
      apply: async () => {
        await aside.keep(finding.file)
        await disk.remove(`${root}/${finding.file}`)
      },
    }
  }

  #sidecars(): RepairStep[] {
    const named = this.#findings.filter(({ code }) => sidecars.has(code))
    const bases = new Set([...named.map(({ file }) => offsetInName(file.slice(-26), 'index')!), ...this.#changed])
    return [...bases]
      .sort((a, b) => a - b)
      .map(base => ({
        file: `${this.#what.name}/${sidecarName(base)}`,
        step: 'make the index again from its segment',
        mends: named.filter(({ file }) => file.endsWith(sidecarName(base))),
        apply: () => this.#makeSidecar(base),
      }))
  }

  async #makeSidecar(base: number): Promise<void> {
    const { disk, root, name, aside } = this.#what
    await aside.keep(`${name}/${sidecarName(base)}`)
    const bases = (await disk.list(`${root}/${name}`))
      .map(each => offsetInName(each, 'log'))
      .filter(each => each !== undefined)
    const before = bases.find(each => each > base) ?? Number.POSITIVE_INFINITY
    const file = await disk.open(this.#path(`${String(base).padStart(20, '0')}.log`), 'read')
    try {
      const { sidecar } = await describeSegment(file, { baseOffset: base, before })
      await writeFile(disk, this.#path(sidecarName(base)), sidecar, { sync: true })
    } finally {
      await file.close()
    }
  }
}

async function writeSpliced(
  disk: Disk,
  path: string,
  { byte, bytes, chunks, size }: { byte: number; bytes: number; chunks: readonly Uint8Array[]; size: number },
): Promise<void> {
  const pieceSize = 1024 * 1024
  const old = await disk.open(path, 'read')
  try {
    const file = await disk.open(`${path}.repaired`, 'fresh')
    try {
      for (let at = 0; at < byte; at += pieceSize) file.write(at, [await old.read(at, Math.min(pieceSize, byte - at))])
      file.write(byte, chunks)
      for (let at = byte + bytes; at < old.size; at += pieceSize)
        file.write(at - bytes + size, [await old.read(at, Math.min(pieceSize, old.size - at))])
      await file.sync()
    } finally {
      await file.close()
    }
  } finally {
    await old.close()
  }
}

const notFromBefore =
  'The backup has them from before a pass of compaction, which may have taken the tombstone of a key that was deleted: that key would be there again'

const absenceText = (from: number, to: number): string =>
  `${offsetsText(from, to)} ${to - from <= 1 ? 'is not in the backup and goes' : 'are not in the backup and go'} into quarantine`

const offsetsText = (from: number, to: number): string =>
  to - from <= 1 ? `offset ${from}` : `offsets ${from} to ${to - 1}`
