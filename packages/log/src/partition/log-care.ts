/**
 * What becomes of damage in the log of a partition, whoever comes upon it: a start, a read, the scrub.
 *
 *     bytes that are no batch ─▶ where do they end? ─▶ quarantine: written down, said once, told to whoever listens
 *                                                  └─▶ in the active segment: appends go on in a new one
 */
import type { BatchHeader } from '@odradek/protocol'
import { type DamagedRange, SegmentDamage } from '../damage/damage.ts'
import { findDamageEnd } from '../damage/damage-end.ts'
import { walkUndamaged } from '../damage/damage-walk.ts'
import { tellDamage, tellDoubt } from '../damage/log-events.ts'
import { writeQuarantine } from '../damage/quarantine-file.ts'
import type { SegmentPlace } from '../segment/batch-check.ts'
import { type ReadableFile, scanBatches, type VisitBatch } from '../segment/batch-scan.ts'
import type { Segment } from '../segment/segment.ts'
import type { LogAppends } from './log-appends.ts'
import type { LogParts } from './log-parts.ts'
import type { StepQueue } from './step-queue.ts'

export class LogCare {
  readonly #parts: LogParts
  readonly #appends: LogAppends
  readonly #steps: StepQueue
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: LogParts, appends: LogAppends, steps: StepQueue) {
    this.#parts = parts
    this.#appends = appends
    this.#steps = steps
  }

  /** Runs something that reads; when it comes upon damage, looks where that ends, and runs it again to pass it over. */
  async passing<T>(read: () => Promise<T>): Promise<T> {
    let last: SegmentDamage | undefined
    for (;;) {
      try {
        return await read()
      } catch (error) {
        if (!(error instanceof SegmentDamage) || isSame(error, last) || !(await this.examine(error))) throw error
        last = error
      }
    }
  }

  /** False when nothing new came of it. One at a time: two reads may come upon the same damage. */
  examine(damage: SegmentDamage): Promise<boolean> {
    const examined = this.#last.then(() => this.#examine(damage))
    this.#last = examined.catch(() => undefined)
    return examined
  }

  async #examine(damage: SegmentDamage): Promise<boolean> {
    const { ends, segments, services } = this.#parts
    const { clock, files } = services
    const segment = segments.all.find(({ path }) => path === damage.file)
    if (segment === undefined || !segments.holds(segment) || (damage.segment ?? segment) !== segment) return true
    if (segments.quarantine.endAt(segment.baseOffset, damage.position) !== undefined) return true
    const open = await files.take(segment.path)
    try {
      const limit = this.#durableEndOf(segment)
      const again = await scanBatches(open.file, damage, limit, () => false)
      if (again.damage === undefined && open.file.size > damage.position) return true
      if (segment === segments.active) limit.nextOffset = ends.highWatermark
      const end = await findDamageEnd(open.file, damage, limit)
      if (!segments.holds(segment)) return true
      return await this.note(rangeOf(segment, damage, end, damage.reason, clock.now()))
    } finally {
      files.release(open)
    }
  }

  /** Bytes past it are not looked at. The offset is that of what is written: it may be ahead. */
  #durableEndOf(segment: Segment): SegmentPlace {
    const { segments, writer } = this.#parts
    const position = segment === segments.active ? writer.durableEnd.position : segment.size
    return { position, nextOffset: segment.nextOffset }
  }

  /** Puts a range in quarantine. False when it was there. */
  async note(range: DamagedRange): Promise<boolean> {
    const { quarantine, segments, services, failure, owner } = this.#parts
    if (!quarantine.add(range)) return false
    tellDamage(services.logger, owner, range)
    const segment = segments.all.find(({ baseOffset }) => baseOffset === range.segment)
    if (segment === undefined) return true
    await writeQuarantine(services.disk, segment.folder, range.segment, quarantine.of(range.segment)).catch(error =>
      failure.noteFull(error),
    )
    if (segment === segments.active) void this.#leave(segment)
    return true
  }

  /** Appends go on in a new segment; this one is closed. */
  #leave(segment: Segment): Promise<void> {
    const { failure, segments } = this.#parts
    return this.#steps.run(async () => {
      if (segment !== segments.active || failure.code !== undefined) return
      await this.#appends.roll().catch(error => failure.noteStep(error))
    })
  }

  /** Goes through every segment, each from its start, and over what is damaged. Returns how many batches are doubtful. */
  async scrub(fileAt: (path: string) => ReadableFile): Promise<number> {
    const { segments, failure } = this.#parts
    let doubtful = 0
    for (const segment of [...segments.all]) {
      if (failure.code !== undefined) break
      if (segments.holds(segment)) doubtful += await this.#scrubSegment(segment, fileAt(segment.path))
    }
    return doubtful
  }

  async #scrubSegment(segment: Segment, file: ReadableFile): Promise<number> {
    const { segments } = this.#parts
    let place: SegmentPlace = { position: 0, nextOffset: segment.baseOffset }
    let doubtful = 0
    const batch: VisitBatch = (header, _, position) => {
      place = { position: position + header.sizeInBytes, nextOffset: header.lastOffset + 1 }
      if (!isOfItsEpoch(segment, header)) doubtful++
      return segments.holds(segment)
    }
    await this.passing(async () => {
      try {
        const limit = this.#durableEndOf(segment)
        await walkUndamaged(file, segment.baseOffset, segments.quarantine, limit, { batch }, place)
      } catch (error) {
        // Retention or compaction may have taken it away.
        if (!segments.holds(segment)) return
        if (error instanceof SegmentDamage) error.segment = segment
        throw error
      }
    })
    if (doubtful > 0) tellDoubt(this.#parts.services.logger, segment.path, doubtful)
    return doubtful
  }

  /** Resolves when nothing is being looked at. */
  async idle(): Promise<void> {
    await this.#last
  }
}

const rangeOf = (
  segment: Segment,
  from: SegmentPlace,
  to: SegmentPlace,
  reason: string,
  foundAt: number,
): DamagedRange => ({
  ...{ segment: segment.baseOffset, fromPosition: from.position, toPosition: to.position },
  ...{ fromOffset: from.nextOffset, toOffset: to.nextOffset, reason, foundAt },
})

const isSame = (a: SegmentDamage, b: SegmentDamage | undefined): boolean =>
  a.file === b?.file && a.position === b?.position

/** The leader epoch of a batch is in no checksum; the sidecar has those that wrote in its segment. */
function isOfItsEpoch({ epochs }: Segment, { baseOffset, partitionLeaderEpoch }: BatchHeader): boolean {
  const start = epochs.findLast(({ startOffset }) => startOffset <= baseOffset)
  return start === undefined || start.epoch === partitionLeaderEpoch
}
