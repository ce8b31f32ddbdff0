/**
 * What a partition's folder holds, found at start: its segments, producers and ends.
 *
 *     segment  [ described by a valid sidecar │ scanned: headers │ scanned: headers and checksums ┊ torn tail ]
 *                                                                └ durable offset                 └ cut off
 *
 * After an orderly shutdown sidecars and snapshot describe everything and nothing is scanned. After a crash, only what was appended
 * since the last sidecar is. Bytes that are no batch end the log if they lie past the durable offset: a write that was never
 * acknowledged was torn. If they lie before it, acknowledged records are damaged: nothing is cut, and the partition stays closed.
 */
import { CorruptionError, hasValidCrc } from '@odradek/protocol'
import type { DiskFile } from '@odradek/world'
import { sequencedBatch } from './append-plan.ts'
import { type ScanEnd, scanBatches } from './batch-scan.ts'
import { offsetInName, snapshotName } from './file-names.ts'
import type { LogServices } from './log-services.ts'
import { decodeAborted, decodeSnapshot } from './producer-snapshot.ts'
import { ProducerState } from './producer-state.ts'
import { makeDurable, makeNamesDurable } from './recovered-tail.ts'
import { Segment } from './segment.ts'
import { decodeSidecarHead, type SidecarHead, sidecarHeadEnd, sidecarHeadSize } from './segment-sidecar.ts'
import { listIfThere } from './whole-file.ts'

export interface RecoveredLog {
  /** Ascending; the last one takes appends. None in a partition that never held a record. */
  segments: Segment[]
  producers: ProducerState
  /** Offset of the snapshot the producers come from; -1: from the log alone. */
  snapshotOffset: number
  bytesScanned: number
  bytesCut: number
}

export interface RecoverySpec {
  folder: string
  /** Everything before it was durable; 0 when nothing is known. */
  durableOffset: number
  /** The last run ended in order. */
  clean: boolean
  indexIntervalBytes: number
}

export async function recoverLog(services: LogServices, spec: RecoverySpec): Promise<RecoveredLog> {
  const names = await listIfThere(services.disk, spec.folder)
  for (const name of names) if (name.endsWith('.deleted')) await services.disk.remove(`${spec.folder}/${name}`)
  const bases = names.map(name => offsetInName(name, 'log')).filter(base => base !== undefined)
  const recovery = new Recovery(services, spec)
  await recovery.loadProducers(names)
  for (const [i, base] of bases.entries()) {
    await recovery.addSegment(base, bases[i + 1])
  }
  recovery.checkEnd()
  await makeNamesDurable(services.disk, recovery.log.segments.at(-1))
  return recovery.log
}

class Recovery {
  readonly log: RecoveredLog = {
    segments: [],
    producers: new ProducerState(),
    snapshotOffset: -1,
    bytesScanned: 0,
    bytesCut: 0,
  }
  readonly #services: LogServices
  readonly #spec: RecoverySpec
  #durableOffset: number

  constructor(services: LogServices, spec: RecoverySpec) {
    this.#services = services
    this.#spec = spec
    this.#durableOffset = spec.durableOffset
  }

  /** The newest snapshot that is whole. It was taken of a durable log. */
  async loadProducers(names: readonly string[]): Promise<void> {
    const offsets = names.map(name => offsetInName(name, 'snapshot')).filter(offset => offset !== undefined)
    for (const offset of offsets.reverse()) {
      const bytes = await this.#services.disk.readFile(`${this.#spec.folder}/${snapshotName(offset)}`)
      const entries = decodeSnapshot(bytes, offset)
      if (entries === undefined) continue
      this.log.producers.restore(entries, decodeAborted(bytes))
      this.log.snapshotOffset = offset
      this.#durableOffset = Math.max(this.#durableOffset, offset)
      return
    }
  }

  /** `nextBase`: of the segment after it, which was started when this one was durable. */
  async addSegment(base: number, nextBase: number | undefined): Promise<void> {
    const { files } = this.#services
    const segment = new Segment(this.#spec.folder, base)
    this.#durableOffset = Math.max(this.#durableOffset, nextBase ?? base)
    const open = await files.take(segment.path)
    try {
      const head = await this.#sidecarHead(segment)
      if (head !== undefined && head.baseOffset === base && head.logSize <= open.file.size) {
        await this.#describe(segment, head, nextBase === undefined || head.logSize < open.file.size)
      }
      const scanned = open.file.size - segment.size
      const end = await this.#scan(segment, open.file)
      if (end.stopped !== undefined) this.#cut(segment, open.file, end, nextBase)
      if (scanned > 0) await makeDurable(segment, open.file, this.#durableOffset)
    } finally {
      files.release(open)
    }
    this.log.segments.push(segment)
  }

  checkEnd(): void {
    const end = this.log.segments.at(-1)?.nextOffset ?? 0
    if (end >= this.#durableOffset) return
    throw new CorruptionError(
      `${this.#spec.folder} ends at offset ${end}, but records up to ${this.#durableOffset} were acknowledged. Restore its files from a backup, or delete the topic.`,
      {
        file: this.#spec.folder,
        expected: this.#durableOffset,
        found: end,
      },
    )
  }

  #wasDurable(offset: number): boolean {
    return this.#spec.clean || offset < this.#durableOffset
  }

  async #sidecarHead(segment: Segment): Promise<SidecarHead | undefined> {
    const file = await this.#services.disk.open(segment.sidecarPath, 'existing').catch(() => undefined)
    if (file === undefined) return undefined
    try {
      const first = await file.read(0, sidecarHeadSize)
      const end = sidecarHeadEnd(first) ?? 0
      return decodeSidecarHead(end <= first.length ? first : await file.read(0, end))
    } finally {
      await file.close()
    }
  }

  /** A segment that may still grow needs its index in memory; if that part of the sidecar is damaged, the segment is scanned. */
  async #describe(segment: Segment, head: SidecarHead, withIndex: boolean): Promise<void> {
    this.#durableOffset = Math.max(this.#durableOffset, head.nextOffset)
    if (!withIndex) return segment.describe(head, undefined)
    try {
      segment.describe(head, segment.decodeIndex(await this.#services.disk.readFile(segment.sidecarPath)))
    } catch (error) {
      this.#services.logger.warn({ file: segment.sidecarPath }, (error as Error).message)
    }
  }

  /** Goes through what no sidecar describes, and through what no snapshot knows of. */
  async #scan(segment: Segment, file: DiskFile): Promise<ScanEnd> {
    const { producers, snapshotOffset } = this.log
    const described = segment.size
    const replayFrom = Math.max(snapshotOffset, 0)
    const fromStart = segment.nextOffset > replayFrom
    const now = this.#services.clock.now()
    const end = await scanBatches(
      file,
      fromStart ? 0 : described,
      fromStart ? segment.baseOffset : segment.nextOffset,
      (batch, bytes, position) => {
        if (position >= described) {
          if (!this.#wasDurable(batch.baseOffset) && !hasValidCrc(bytes, batch.at))
            return 'a batch does not match its checksum'
          segment.noteFound(batch, this.#spec.indexIntervalBytes)
        }
        if (batch.baseOffset >= replayFrom && batch.producerId >= 0n) producers.apply(sequencedBatch(batch, bytes), now)
        return undefined
      },
    )
    this.log.bytesScanned += end.position - (fromStart ? 0 : described)
    return end
  }

  #cut(segment: Segment, file: DiskFile, end: ScanEnd, nextBase: number | undefined): void {
    const { stopped: reason, position } = end
    if (nextBase === undefined ? this.#wasDurable(end.nextOffset) : end.nextOffset < nextBase) {
      throw new CorruptionError(
        `${file.path} is damaged at byte ${position}, within records that were acknowledged: ${reason}. Restore it from a backup, or delete the topic.`,
        { file: file.path, position },
      )
    }
    this.#services.logger.warn(
      { file: file.path, position: segment.size, bytes: file.size - segment.size, reason },
      'cut off a torn write, never acknowledged, at the end of a log',
    )
    this.log.bytesCut += file.size - segment.size
    file.truncate(segment.size)
  }
}
