/**
 * What a partition's folder holds, found at start: its segments, producers, ends, and what of it is damaged.
 *
 *     segment  [ described by a valid sidecar │ scanned, every byte checked ┊ torn tail ]
 *                                             durable offset somewhere here └ cut off
 *
 * After an orderly shutdown sidecars and snapshot describe everything and nothing is scanned. After a crash, only what was appended
 * since the last sidecar is. Bytes that are no batch end the log if they lie past the durable offset: a write that was never
 * acknowledged was torn. If they lie before it, acknowledged records are damaged: nothing is cut, the range is put in quarantine and the
 * rest is served. So are records that are gone. A log whose last segment is damaged goes on in a new one, at the durable offset or
 * later: no offset is given to two records.
 */
import type { DiskFile } from '@odradek/world'
import { cleanedOffsetName } from '../compaction/compaction-files.ts'
import { settleSwaps } from '../compaction/segment-swap.ts'
import type { DamagedRange } from '../damage/damage.ts'
import { findDamageEnd } from '../damage/damage-end.ts'
import { Quarantine } from '../damage/quarantine.ts'
import { readQuarantine, writeQuarantine } from '../damage/quarantine-file.ts'
import { offsetInName, quarantineName, sidecarName, snapshotName } from '../folder/file-names.ts'
import { ifUnreadable, listIfThere, readFileIfReadable } from '../folder/whole-file.ts'
import type { LogServices } from '../log-services.ts'
import { sequencedBatch } from '../partition/append-plan.ts'
import { decodeAborted, decodeSnapshot } from '../producers/producer-snapshot.ts'
import { ProducerState } from '../producers/producer-state.ts'
import type { SegmentPlace } from '../segment/batch-check.ts'
import { noLimit, type ScanEnd, scanBatches } from '../segment/batch-scan.ts'
import { Segment } from '../segment/segment.ts'
import { decodeSidecarHead, type SidecarHead, sidecarHeadEnd, sidecarHeadSize } from '../segment/segment-sidecar.ts'
import { makeDurable, makeNamesDurable } from './recovered-tail.ts'

export interface RecoveredLog {
  /** Ascending. None in a partition that never held a record. */
  segments: Segment[]
  /** Where the log goes on in a new segment; undefined: in the last one. */
  endOffset: number | undefined
  logStartOffset: number
  quarantine: Quarantine
  /** Damage that was not known before. */
  found: DamagedRange[]
  producers: ProducerState
  /** Offset of the snapshot the producers come from; -1: from the log alone. */
  snapshotOffset: number
  bytesScanned: number
  bytesCut: number
}

export interface RecoverySpec {
  folder: string
  /** What is in it, sorted, if somebody has looked already. */
  names: readonly string[] | undefined
  /** What the checkpoint says. Undefined: it knows nothing of this partition. */
  ends: { durableOffset: number; logStartOffset: number } | undefined
  /** The last run ended in order. */
  clean: boolean
  /** Offsets may be missing between segments without any harm. */
  isCompacted: boolean
  indexIntervalBytes: number
}

export async function recoverLog(services: LogServices, spec: RecoverySpec): Promise<RecoveredLog> {
  const found = spec.names ?? (await listIfThere(services.disk, spec.folder))
  const names = await settleSwaps(services.disk, spec.folder, found, file =>
    services.logger.warn({ file }, 'a compacted segment is damaged; those it was made of are whole, and stay'),
  )
  for (const name of names)
    if (/\.(deleted|index\.new)$/.test(name)) await services.disk.remove(`${spec.folder}/${name}`)
  const recovery = new Recovery(services, spec, names)
  await recovery.loadProducers(names)
  const bases = names.map(name => offsetInName(name, 'log')).filter(base => base !== undefined)
  await recovery.lookForLostSegments(names, bases)
  for (const [i, base] of bases.entries()) await recovery.addSegment(base, bases[i + 1])
  recovery.finish()
  await recovery.keepFindings()
  await makeNamesDurable(services.disk, recovery.log.segments.at(-1))
  return recovery.log
}

class Recovery {
  readonly log: RecoveredLog = {
    segments: [],
    endOffset: undefined,
    logStartOffset: 0,
    quarantine: new Quarantine(),
    found: [],
    producers: new ProducerState(),
    snapshotOffset: -1,
    bytesScanned: 0,
    bytesCut: 0,
  }
  readonly #services: LogServices
  readonly #spec: RecoverySpec
  /** What is in the folder. A start opens many: it asks for nothing that is not there. */
  readonly #names: ReadonlySet<string>
  #durableOffset: number
  /** Ends of segments that have lost their file, by what stands beside it. */
  #lostEnds: number[] = []

  constructor(services: LogServices, spec: RecoverySpec, names: readonly string[]) {
    this.#services = services
    this.#spec = spec
    this.#names = new Set(names)
    this.#durableOffset = spec.ends?.durableOffset ?? 0
  }

  /** The newest snapshot that is whole. It was taken of a durable log. */
  async loadProducers(names: readonly string[]): Promise<void> {
    const offsets = names.map(name => offsetInName(name, 'snapshot')).filter(offset => offset !== undefined)
    for (const offset of offsets.reverse()) {
      const bytes = await readFileIfReadable(this.#services.disk, `${this.#spec.folder}/${snapshotName(offset)}`)
      const entries = bytes && decodeSnapshot(bytes, offset)
      if (bytes === undefined || entries === undefined) {
        this.#services.logger.warn(
          { file: snapshotName(offset), folder: this.#spec.folder },
          'a snapshot is damaged: producers are made again from the log',
        )
        continue
      }
      this.log.producers.restore(entries, decodeAborted(bytes))
      this.log.snapshotOffset = offset
      this.#durableOffset = Math.max(this.#durableOffset, offset)
      return
    }
  }

  /** A sidecar that describes no segment was left by one that is gone. */
  async lookForLostSegments(names: readonly string[], bases: readonly number[]): Promise<void> {
    const described = names.map(name => offsetInName(name, 'index')).filter(base => base !== undefined)
    for (const base of described) {
      if (bases.includes(base) || base < (this.#spec.ends?.logStartOffset ?? 0)) continue
      const { head } = await this.#readSidecar(new Segment(this.#spec.folder, base))
      if (head?.baseOffset !== base) continue
      this.#lostEnds.push(head.nextOffset)
      this.#durableOffset = Math.max(this.#durableOffset, head.nextOffset)
    }
  }

  /** `nextBase`: of the segment after it, which was started when this one was durable. */
  async addSegment(base: number, nextBase: number | undefined): Promise<void> {
    const { disk, files } = this.#services
    const segment = new Segment(this.#spec.folder, base)
    this.#durableOffset = Math.max(this.#durableOffset, nextBase ?? base)
    if (this.#names.has(quarantineName(base)))
      for (const range of await readQuarantine(disk, this.#spec.folder, base)) this.log.quarantine.add(range)
    if (this.log.segments.length === 0) this.#checkStart(base)
    const open = await files.take(segment.path)
    try {
      const { head, whole } = await this.#readSidecar(segment)
      const { size } = open.file
      if (head?.baseOffset === base) this.#durableOffset = Math.max(this.#durableOffset, head.nextOffset)
      if (head?.baseOffset === base && head.logSize <= size)
        await this.#describe(segment, head, nextBase === undefined || head.logSize < size, whole)
      const scanned = size - segment.size
      await this.#scan(segment, open.file, nextBase)
      const isCut = open.file.size < size
      if (isCut || (scanned > 0 && segment.nextOffset > this.#durableOffset))
        await makeDurable(segment, open.file, this.#durableOffset)
      const isCutShort = head?.baseOffset === base && head.logSize > size
      if (nextBase !== undefined) this.#checkNext(segment, nextBase, isCutShort)
    } finally {
      files.release(open)
    }
    this.log.segments.push(segment)
  }

  /** The log start is durable before a segment is let go; what lies between it and the first segment is lost. */
  #checkStart(base: number): void {
    const start = this.#spec.ends?.logStartOffset ?? base
    if (start < base)
      this.#note(
        base,
        { position: 0, nextOffset: start },
        { position: 0, nextOffset: base },
        'the segments before it are gone',
      )
  }

  /** Compaction may leave nothing at the end of a segment. Otherwise records between two segments are lost. */
  #checkNext(segment: Segment, nextBase: number, isCutShort: boolean): void {
    const { nextOffset, size } = segment
    const hasLost = this.#lostEnds.some(end => end > nextOffset && end <= nextBase)
    if (nextOffset >= nextBase) return
    const isCompacted = this.#spec.isCompacted || this.#names.has(cleanedOffsetName)
    if (isCompacted && !isCutShort && !hasLost) {
      segment.nextOffset = nextBase
      return
    }
    const reason = isCutShort ? 'the end of the file is gone' : 'a segment, or the end of this one, is gone'
    this.#note(segment.baseOffset, { position: size, nextOffset }, { position: size, nextOffset: nextBase }, reason)
  }

  /** A log never becomes shorter than what was durable, and takes no appends behind damage. */
  finish(): void {
    this.log.logStartOffset = this.#spec.ends?.logStartOffset ?? this.log.segments[0]?.baseOffset ?? 0
    const last = this.log.segments.at(-1)
    const end = last?.nextOffset ?? this.#spec.ends?.logStartOffset ?? 0
    const durable = this.#durableOffset
    if (end < durable) {
      const at = last?.size ?? 0
      const reason = last === undefined ? 'all segments are gone' : 'the end of the file is gone'
      this.#note(
        last?.baseOffset ?? durable,
        { position: at, nextOffset: end },
        { position: at, nextOffset: durable },
        reason,
      )
    }
    this.log.quarantine.dropBefore(this.log.segments[0]?.baseOffset ?? 0, this.log.logStartOffset)
    const isDamaged = end < durable || (last !== undefined && this.log.quarantine.of(last.baseOffset).some(isInIt))
    if (isDamaged) this.log.endOffset = Math.max(end, durable)
  }

  #note(segment: number, from: SegmentPlace, to: SegmentPlace, reason: string): void {
    const range: DamagedRange = {
      ...{ segment, fromPosition: from.position, toPosition: to.position },
      ...{ fromOffset: from.nextOffset, toOffset: to.nextOffset, reason, foundAt: this.#services.clock.now() },
    }
    if (this.log.quarantine.add(range)) this.log.found.push(range)
  }

  /** So that the next start need not find it again. It would, if this fails. */
  async keepFindings(): Promise<void> {
    const { folder } = this.#spec
    const { disk, logger } = this.#services
    for (const segment of new Set(this.log.found.map(range => range.segment))) {
      const ranges = this.log.quarantine.of(segment)
      await writeQuarantine(disk, folder, segment, ranges).catch(error =>
        logger.warn({ folder, error: error.message }, 'cannot write down which records are damaged'),
      )
    }
  }

  /** `whole`: all of it, when that is not much more than its head. */
  async #readSidecar(segment: Segment): Promise<{ head?: SidecarHead | undefined; whole?: Uint8Array }> {
    if (!this.#names.has(sidecarName(segment.baseOffset))) return {}
    const file = await this.#services.disk.open(segment.sidecarPath, 'existing').catch(() => undefined)
    if (file === undefined) return {}
    try {
      const first = await file.read(0, sidecarHeadSize)
      const end = sidecarHeadEnd(first) ?? 0
      const head = decodeSidecarHead(end <= first.length ? first : await file.read(0, end))
      if (head === undefined)
        this.#services.logger.warn({ file: segment.sidecarPath }, 'a sidecar is damaged: its segment is looked through')
      return first.length === file.size ? { head, whole: first } : { head }
    } catch (error) {
      ifUnreadable(undefined)(error as NodeJS.ErrnoException)
      this.#services.logger.warn(
        { file: segment.sidecarPath },
        'a sidecar cannot be read: its segment is looked through',
      )
      return {}
    } finally {
      await file.close()
    }
  }

  /** A segment that may still grow needs its index in memory; if that part of the sidecar is damaged, the segment is scanned. */
  async #describe(segment: Segment, head: SidecarHead, withIndex: boolean, whole?: Uint8Array): Promise<void> {
    if (!withIndex) return segment.describe(head, undefined)
    try {
      const sidecar = whole ?? (await this.#services.disk.readFile(segment.sidecarPath))
      segment.describe(head, segment.decodeIndex(sidecar))
    } catch (error) {
      this.#services.logger.warn({ file: segment.sidecarPath }, (error as Error).message)
    }
  }

  /** Goes through what no sidecar describes, and through what no snapshot knows of; over damage, up to a torn tail. */
  async #scan(segment: Segment, file: DiskFile, nextBase: number | undefined): Promise<void> {
    const { producers, snapshotOffset } = this.log
    const replayFrom = Math.max(snapshotOffset, 0)
    const now = this.#services.clock.now()
    const isUnknown = segment.nextOffset > replayFrom
    let place: SegmentPlace = { position: segment.size, nextOffset: segment.nextOffset }
    if (isUnknown) place = { position: 0, nextOffset: segment.baseOffset }
    const limit = { ...noLimit, nextOffset: nextBase ?? noLimit.nextOffset, isDense: nextBase === undefined }
    this.log.bytesScanned += file.size - place.position
    while (place.position < file.size) {
      const end = await scanBatches(file, place, limit, (batch, bytes, position) => {
        if (position === segment.size) segment.noteFound(batch, this.#spec.indexIntervalBytes)
        if (batch.baseOffset >= replayFrom && batch.producerId >= 0n) producers.apply(sequencedBatch(batch, bytes), now)
        return undefined
      })
      if (end.damage === undefined) return
      if (!this.#wasDurable(end.nextOffset, nextBase)) return this.#cut(segment, file, end)
      place = await this.#passOver(segment, file, end, nextBase)
    }
  }

  #wasDurable(offset: number, nextBase: number | undefined): boolean {
    return nextBase === undefined ? this.#spec.clean || offset < this.#durableOffset : offset < nextBase
  }

  /** Damage to what was durable. Without any good batch behind it, it goes as far as what was promised, by at least one offset. */
  async #passOver(
    segment: Segment,
    file: DiskFile,
    from: ScanEnd,
    nextBase: number | undefined,
  ): Promise<SegmentPlace> {
    const promised = nextBase ?? Math.max(this.#durableOffset, from.nextOffset + 1)
    const nextOffset = nextBase === undefined && this.#spec.clean ? noLimit.nextOffset : promised
    const found = await findDamageEnd(file, from, { position: file.size, nextOffset })
    const to = found.nextOffset === noLimit.nextOffset ? { ...found, nextOffset: promised } : found
    this.#note(segment.baseOffset, from, to, from.damage!)
    if (to.position > segment.size) segment.noteDamage(to)
    return to
  }

  #cut(segment: Segment, file: DiskFile, { damage: reason }: ScanEnd): void {
    const bytes = file.size - segment.size
    this.#services.logger.warn(
      { file: file.path, position: segment.size, bytes, reason },
      'cut off a torn write, never acknowledged, at the end of a log',
    )
    this.log.bytesCut += bytes
    this.log.bytesScanned -= bytes
    file.truncate(segment.size)
  }
}

/** Not of what was lost before it. */
const isInIt = ({ segment, toOffset, toPosition }: DamagedRange): boolean => toOffset > segment || toPosition > 0
