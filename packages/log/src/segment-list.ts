/**
 * The segments of a partition, oldest first, and what can be asked of their files. The last one, the active one, takes appends; there is
 * none before the first record.
 */
import { LeaderEpochs } from './leader-epochs.ts'
import type { LogServices } from './log-services.ts'
import type { Segment } from './segment.ts'
import { readSegment } from './segment-read.ts'
import type { SparseIndex } from './sparse-index.ts'
import { ifMissing } from './whole-file.ts'

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
  readonly #services: LogServices
  readonly #segments: Segment[]
  /** Of all but the active one. */
  #closedBytes = 0

  constructor(services: LogServices, segments: Segment[]) {
    this.#services = services
    this.#segments = segments
    for (const segment of segments)
      for (const { epoch, startOffset } of segment.epochs) this.epochs.assign(epoch, startOffset)
  }

  get all(): readonly Segment[] {
    return this.#segments
  }

  get active(): Segment | undefined {
    return this.#segments.at(-1)
  }

  get baseOffset(): number {
    return this.#segments[0]?.baseOffset ?? 0
  }

  get nextOffset(): number {
    return this.active?.nextOffset ?? 0
  }

  get bytes(): number {
    return this.#closedBytes + (this.active?.size ?? 0)
  }

  add(segment: Segment): void {
    this.#closedBytes = this.bytes
    this.#segments.push(segment)
  }

  /** Whole batches from the one with the offset on, of one segment. */
  async read(
    offset: number,
    end: DurableEnd,
    maxBytes: number,
    minOne: boolean,
    indexIntervalBytes: number,
  ): Promise<Uint8Array[]> {
    for (let i = this.#indexOf(offset); i < this.#segments.length; i++) {
      const segment = this.#segments[i]!
      const chunk = await this.withFile(segment, indexIntervalBytes, (file, index) =>
        readSegment(file, {
          offset,
          position: index.positionForOffset(Math.max(0, offset - segment.baseOffset)),
          end: segment === end.segment ? end.position : segment.baseOffset < end.segment.baseOffset ? segment.size : 0,
          maxBytes: Math.min(maxBytes, largestRead),
          minOne,
          slack: 2 * indexIntervalBytes,
        }),
      )
      if (chunk !== undefined) return [chunk]
      // Compaction may have left nothing at the end of a segment; then the next one has the first record after the offset.
      if (offset < segment.nextOffset && !minOne) break
    }
    return []
  }

  async withFile<T>(
    segment: Segment,
    indexIntervalBytes: number,
    use: (file: Parameters<typeof readSegment>[0], index: SparseIndex) => Promise<T>,
  ): Promise<T> {
    const { files, indexes } = this.#services
    const open = files.takeOpen(segment.path) ?? (await files.take(segment.path))
    try {
      return await use(open.file, segment.index ?? (await indexes.of(segment, indexIntervalBytes)))
    } finally {
      files.release(open)
    }
  }

  /** Puts the first segments aside; they are removed for good after the delay. Whoever is reading one can finish. */
  async removeFirst(count: number, delayMs: number): Promise<void> {
    const { disk, files, indexes, deletions } = this.#services
    const removed = this.#segments.splice(0, count)
    this.epochs.trimBefore(this.baseOffset)
    for (const segment of removed) {
      this.#closedBytes -= segment.size
      indexes.forget(segment)
      files.forget(segment.path)
      await disk.rename(segment.path, `${segment.path}.deleted`).catch(ifMissing(undefined))
      await disk.remove(segment.sidecarPath)
      deletions.later(`${segment.path}.deleted`, delayMs)
    }
    if (removed.length > 0) await disk.syncFolder(removed[0]!.folder)
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
