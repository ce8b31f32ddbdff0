/**
 * The segments of a partition, oldest first, and what can be asked of their files. The last one, the active one, takes appends; there is
 * none before the first record.
 */
import { SegmentDamage } from '../damage/damage.ts'
import type { Quarantine } from '../damage/quarantine.ts'
import { quarantineName } from '../folder/file-names.ts'
import type { OpenFile, OpenFiles } from '../folder/open-files.ts'
import { ifMissing } from '../folder/whole-file.ts'
import type { LogServices } from '../log-services.ts'
import type { SegmentPlace } from './batch-check.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { Segment } from './segment.ts'
import { readSegment } from './segment-read.ts'
import type { IndexedPlace, SparseIndex } from './sparse-index.ts'

/** Up to where readers may look. */
export interface DurableEnd {
  /** The segment that takes appends; those before it are durable. */
  readonly segment: Segment
  readonly position: number
}

/** A consumer may ask for as much as it likes; it gets this much at a time, but for a single larger batch. */
const largestRead = 8 * 1024 * 1024

export class SegmentList {
  readonly epochs: LeaderEpochs = new LeaderEpochs()
  readonly quarantine: Quarantine
  readonly #services: LogServices
  readonly #segments: Segment[]
  /** Where the log goes on, in a new segment; undefined when the last one takes appends. */
  #endOffset: number | undefined
  /** Rises when closed segments are replaced. */
  generation = 0
  /** Of all but the active one. */
  #closedBytes = 0

  /** With an end offset, the last segment takes no appends: it is damaged, or ends before what was durable. */
  constructor(services: LogServices, segments: Segment[], quarantine: Quarantine, endOffset: number | undefined) {
    this.#services = services
    this.#segments = segments
    this.quarantine = quarantine
    this.#endOffset = endOffset
    const closed = endOffset === undefined ? segments.slice(0, -1) : segments
    this.#closedBytes = closed.reduce((sum, { size }) => sum + size, 0)
    for (const segment of segments)
      for (const { epoch, startOffset } of segment.epochs) this.epochs.assign(epoch, startOffset)
  }

  get all(): readonly Segment[] {
    return this.#segments
  }

  get active(): Segment | undefined {
    return this.#endOffset === undefined ? this.#segments.at(-1) : undefined
  }

  get baseOffset(): number {
    return this.#segments[0]?.baseOffset ?? this.#endOffset ?? 0
  }

  get nextOffset(): number {
    return this.#endOffset ?? this.active?.nextOffset ?? 0
  }

  get bytes(): number {
    return this.#closedBytes + (this.active?.size ?? 0)
  }

  add(segment: Segment): void {
    this.#closedBytes = this.bytes
    this.#endOffset = undefined
    this.#segments.push(segment)
  }

  /** Whole batches from the one with the offset on, of one segment. The offset is in no damaged range. */
  async read(
    offset: number,
    end: DurableEnd,
    maxBytes: number,
    minOne: boolean,
    indexIntervalBytes: number,
  ): Promise<Uint8Array[]> {
    for (let segment = this.#segments[this.#indexOf(offset)]; segment !== undefined; ) {
      const found = await this.#readSegment(segment, offset, end, { maxBytes, minOne, indexIntervalBytes })
      if (found === 'replaced') {
        segment = this.#segments[this.#indexOf(Math.max(offset, segment.baseOffset))]
        continue
      }
      if (found !== undefined) return [found]
      // Compaction may have left nothing at the end of a segment; then the next one has the first record after the offset.
      if (offset < segment.nextOffset && !minOne) return []
      segment = this.#after(segment)
    }
    return []
  }

  /** The segment with what follows, which may have been put together anew meanwhile. */
  #after(segment: Segment): Segment | undefined {
    const i = this.#indexOf(segment.nextOffset)
    return this.#segments[this.#segments[i] === segment ? i + 1 : i]
  }

  async #readSegment(
    segment: Segment,
    offset: number,
    end: DurableEnd,
    { maxBytes, minOne, indexIntervalBytes }: { maxBytes: number; minOne: boolean; indexIntervalBytes: number },
  ): Promise<Uint8Array | 'replaced' | undefined> {
    const window = this.quarantine.window(segment.baseOffset, offset)
    const limit = this.#limitOf(segment, end)
    try {
      return await this.withFile(segment, indexIntervalBytes, (file, index) =>
        readSegment(file, {
          offset,
          start: laterPlace(placeIn(segment, index.placeForOffset(Math.max(0, offset - segment.baseOffset))), window),
          end: { ...limit, position: Math.min(limit.position, window.to) },
          maxBytes: Math.min(maxBytes, largestRead),
          minOne,
          slack: 2 * indexIntervalBytes,
        }),
      )
    } catch (error) {
      if (error instanceof SegmentReplaced) return 'replaced'
      throw error
    }
  }

  #limitOf(segment: Segment, end: DurableEnd): SegmentPlace {
    const { size, nextOffset } = segment
    if (segment === end.segment) return { position: end.position, nextOffset }
    return { position: segment.baseOffset < end.segment.baseOffset ? size : 0, nextOffset }
  }

  async withFile<T>(
    segment: Segment,
    indexIntervalBytes: number,
    use: (file: Parameters<typeof readSegment>[0], index: SparseIndex) => Promise<T>,
  ): Promise<T> {
    const { files, indexes } = this.#services
    if (segment.replacing !== undefined) await segment.replacing
    if (segment.isReplaced) throw new SegmentReplaced()
    const open = files.takeOpen(segment.path) ?? (await takeUnlessReplaced(segment, files))
    try {
      const index = segment.index ?? (await indexes.of(segment, indexIntervalBytes, this.quarantine))
      if (segment.isReplaced || segment.replacing !== undefined) throw new SegmentReplaced()
      return await use(open.file, index)
    } catch (error) {
      if (error instanceof SegmentDamage) error.segment = segment
      throw error
    } finally {
      files.release(open)
    }
  }

  /**
   * Puts the first segments aside; they are removed for good after the delay. Whoever is reading one can finish. From the first that
   * cannot be put aside on they are all here again, to be tried another time.
   */
  async removeFirst(count: number, delayMs: number): Promise<void> {
    const { disk, deletions } = this.#services
    const removing = this.#segments.splice(0, count)
    const folder = removing[0]?.folder
    try {
      for (let segment = removing[0]; segment !== undefined; segment = removing[0]) {
        await this.#putAside(segment)
        this.#closedBytes -= segment.size
        deletions.later(`${segment.path}.deleted`, delayMs)
        removing.shift()
      }
    } finally {
      this.#segments.unshift(...removing)
      this.epochs.trimBefore(this.baseOffset)
      this.quarantine.dropBefore(this.baseOffset, this.baseOffset)
    }
    if (folder !== undefined) await disk.syncFolder(folder)
  }

  /** The log goes last: as long as it is there, what stands beside it is looked for again. */
  async #putAside(segment: Segment): Promise<void> {
    const { disk, files, indexes } = this.#services
    indexes.forget(segment)
    files.forget(segment.path)
    await disk.remove(segment.sidecarPath)
    if (this.quarantine.of(segment.baseOffset).length > 0)
      await disk.remove(`${segment.folder}/${quarantineName(segment.baseOffset)}`)
    await disk.rename(segment.path, `${segment.path}.deleted`).catch(ifMissing(undefined))
  }

  /**
   * Another segment takes the place of these, which are closed; `swap` does so on the disk. Whoever reads one of them already goes on
   * with its old file; whoever comes meanwhile waits. False when the swap has failed.
   */
  async replace(sources: readonly Segment[], segment: Segment, swap: () => Promise<boolean>): Promise<boolean> {
    const { files, indexes } = this.#services
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const source of sources) source.replacing = promise
    try {
      for (const source of sources) await indexes.idle(source)
      if (!(await swap())) return false
      this.#segments.splice(this.#segments.indexOf(sources[0]!), sources.length, segment)
      this.#closedBytes += segment.size
      this.generation++
      for (const source of sources) {
        this.#closedBytes -= source.size
        source.isReplaced = true
        indexes.forget(source)
        files.forget(source.path)
      }
      return true
    } finally {
      for (const source of sources) source.replacing = undefined
      resolve()
    }
  }

  /** Whether it is part of the log, in its own file and not about to be replaced. */
  holds(segment: Segment): boolean {
    return this.#segments.includes(segment) && !segment.isReplaced && segment.replacing === undefined
  }

  /** The folder is about to go. */
  forgetFiles(): void {
    for (const segment of this.#segments) {
      this.#services.indexes.forget(segment)
      this.#services.files.forget(segment.path)
    }
  }

  /** The last segment that begins at or before the offset. */
  #indexOf(offset: number): number {
    let low = 0
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#segments[middle]!.baseOffset <= offset) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }
}

export const placeIn = (segment: Segment, { position, relativeOffset }: IndexedPlace): SegmentPlace => ({
  position,
  nextOffset: segment.baseOffset + relativeOffset,
})

const laterPlace = (place: SegmentPlace, after: { from: number; fromOffset: number }): SegmentPlace =>
  place.position >= after.from ? place : { position: after.from, nextOffset: after.fromOffset }

/** Compaction has put another segment in its place: look again. */
export class SegmentReplaced extends Error {}

async function takeUnlessReplaced(segment: Segment, files: OpenFiles): Promise<OpenFile> {
  try {
    return await files.take(segment.path)
  } catch (error) {
    if (segment.isReplaced || segment.replacing !== undefined) throw new SegmentReplaced()
    throw error
  }
}
