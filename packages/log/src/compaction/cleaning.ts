/**
 * One pass of compaction: reads the dirty part and notes the last offset of each key, then writes each group of segments anew with what
 * stays, and hands it over to take the place of the old ones. Runs wherever there is a disk; changes nothing but its own new files.
 *
 *     dirty part ──▶ key offsets ─┐
 *     group of segments ──────────┴─filter──▶ <base>.log.cleaned, synced ──▶ handed over ──▶ next group
 */
import { CorruptionError } from '@odradek/protocol/errors'
import { RecordWalk, readBatch } from '@odradek/protocol/records'
import type { Clock, Disk, DiskFile } from '@odradek/world'
import { Segment } from '../segment/segment.ts'
import { durably } from '../sync/sync-failure.ts'
import { BatchFilter } from './batch-filter.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import {
  type CleanedGroup,
  type CleaningJob,
  type CleaningResult,
  groupsOf,
  type SourceSegment,
} from './cleaning-job.ts'
import { cleanedName } from './compaction-files.ts'
import { KeyOffsets } from './key-offsets.ts'
import { type Manners, Pace } from './pace.ts'
import { PieceBuffer } from './piece-buffer.ts'
import { visitBatches } from './segment-batches.ts'

export interface CleaningPlace {
  readonly disk: Disk
  readonly clock: Clock
  /** On a thread of its own. Else others run beside it, and get their turns. */
  readonly manners?: Manners | undefined
}

/** A commit may have to wait for what else the disk has to write: never for more than this of ours. */
const syncedAtOnce = 2 * 1024 * 1024

/**
 * Old segments kept open until the new one is in place: whoever closes a file without a name last waits until its blocks are free, ten
 * milliseconds for a large one. That is to be this thread, whatever the others have open.
 */
const mostHeld = 32

/** Positions in a segment fit 31 bits. */
const largestSegment = 2 ** 31 - 1

/** Takes the place of its sources, or rejects: then the pass ends. */
export type HandOver = (group: CleanedGroup) => Promise<void>

/** Gives up, soon after, when `isOver`. */
export async function clean(
  place: CleaningPlace,
  job: CleaningJob,
  handOver: HandOver,
  isOver: () => boolean = () => false,
): Promise<CleaningResult> {
  return new Cleaning(place, job, isOver).run(handOver)
}

class Cleaning {
  readonly #disk: Disk
  readonly #job: CleaningJob
  readonly #pace: Pace
  readonly #offsets: KeyOffsets
  readonly #read = new PieceBuffer()
  readonly #rewritten = new PieceBuffer()
  #bytesRead = 0
  #bytesWritten = 0

  constructor({ disk, clock, manners }: CleaningPlace, job: CleaningJob, isOver: () => boolean) {
    const { bytesPerSecond, dedupeBytes: bytes, dirtyFrom: firstOffset, dirtyEnd, secret } = job
    this.#disk = disk
    this.#job = job
    this.#pace = new Pace(clock, { bytesPerSecond, manners, isOver })
    this.#offsets = new KeyOffsets({ bytes, mostKeys: dirtyEnd - firstOffset, firstOffset, secret })
  }

  async run(handOver: HandOver): Promise<CleaningResult> {
    const end = await this.#noteKeys()
    this.#offsets.seal(end, () => this.#pace.rest())
    const { segments, segmentBytes, aborted, lastOffsets, now, deleteRetentionMs, maxDecompressedBytes } = this.#job
    const filter = new BatchFilter({
      ...{ offsets: this.#offsets, end, transactions: new CleanedTransactions(aborted) },
      ...{ lastOffsets, now, deleteRetentionMs, maxDecompressedBytes, take: this.#rewritten.take },
    })
    const reached = segments.filter(({ baseOffset }) => baseOffset < end)
    for (const group of groupsOf(reached, segmentBytes)) await this.#cleanGroup(group, filter, handOver)
    return {
      ...{ cleanedTo: end, bytesRead: this.#bytesRead, bytesWritten: this.#bytesWritten, ...filter.counts },
      ...{ keys: this.#offsets.size, tableBytes: this.#offsets.bytes },
    }
  }

  /** Returns the offset before which all keys are noted: the end of the dirty part, or where the table was full. */
  async #noteKeys(): Promise<number> {
    const { aborted, dirtyEnd, dirtyFrom, segments } = this.#job
    const transactions = new CleanedTransactions(aborted)
    let end = dirtyEnd
    for (const segment of segments) {
      if (segment.nextOffset <= dirtyFrom || end < dirtyEnd) continue
      await this.#visit(segment, (batch, bytes) => {
        this.#pace.rest()
        if (batch.baseOffset >= dirtyEnd) return false
        if (batch.isControl) transactions.endsNothing(batch)
        const isData = !batch.isControl && !(batch.isTransactional && transactions.isAborted(batch))
        if (!isData || batch.lastOffset < dirtyFrom) return true
        if (this.#noteKeysOf(batch, bytes)) return true
        end = batch.baseOffset
        return false
      })
    }
    if (end > dirtyFrom) return end
    throw new CorruptionError(
      `the batch at offset ${end} has more keys than the cleaner's table of ${this.#job.dedupeBytes} bytes holds; raise log.cleaner.dedupe.buffer.size`,
      { file: this.#job.folder },
    )
  }

  readonly #walk = new RecordWalk()

  #noteKeysOf(batch: Parameters<RecordWalk['begin']>[1], bytes: Uint8Array): boolean {
    const walk = this.#walk
    walk.begin(bytes, batch, this.#job.maxDecompressedBytes)
    while (walk.next()) {
      const { keyAt, keyLength } = walk
      const offset = batch.baseOffset + walk.offsetDelta
      if (keyLength < 0 || offset < this.#job.dirtyFrom) continue
      if (!this.#offsets.put(walk.bytes, keyAt, keyLength, offset)) return false
    }
    return true
  }

  async #visit(
    segment: SourceSegment,
    batch: Parameters<typeof visitBatches>[3]['batch'],
    flush: () => Promise<number> = async () => 0,
    held?: DiskFile[],
  ): Promise<void> {
    const isHeld = held !== undefined && held.length < mostHeld
    const { path } = new Segment(this.#job.folder, segment.baseOffset)
    const file = await this.#disk.open(path, 'read')
    if (isHeld) held.push(file)
    try {
      const piece = async (bytes: number) => {
        this.#bytesRead += bytes
        await this.#pace.moved(bytes + (await flush()))
      }
      await visitBatches(file, segment.size, this.#read, { batch, piece })
    } finally {
      if (!isHeld) await file.close()
    }
  }

  async #cleanGroup(sources: SourceSegment[], filter: BatchFilter, handOver: HandOver): Promise<void> {
    const { folder } = this.#job
    const path = `${folder}/${cleanedName(sources[0]!.baseOffset)}`
    const file = await this.#disk.open(path, 'fresh')
    const held: DiskFile[] = []
    try {
      const written = await this.#write(sources, filter, file, held)
      if (written.isSame && sources.length === 1) return await this.#disk.remove(path)
      await durably(file.sync())
      await handOver(written.group)
    } catch (error) {
      await this.#disk.remove(path).catch(() => undefined)
      throw error
    } finally {
      await file.close()
      for (const source of held) await source.close()
    }
  }

  async #write(
    sources: SourceSegment[],
    filter: BatchFilter,
    file: DiskFile,
    held: DiskFile[],
  ): Promise<{ group: CleanedGroup; isSame: boolean }> {
    const { folder, indexIntervalBytes } = this.#job
    const segment = new Segment(folder, sources[0]!.baseOffset)
    let chunks: Uint8Array[] = []
    let flushed = 0
    let synced = 0
    let isSame = true
    const flush = async () => {
      const bytes = segment.size - flushed
      if (segment.size > largestSegment)
        throw new CorruptionError(`${folder} cannot be compacted: a segment would be too large`, { file: folder })
      if (bytes > 0) file.write(flushed, chunks)
      chunks = []
      this.#rewritten.takeBack()
      flushed = segment.size
      this.#bytesWritten += bytes
      if (flushed - synced >= syncedAtOnce) {
        await durably(file.sync())
        synced = flushed
      }
      return bytes
    }
    for (const source of sources) {
      await this.#visit(
        source,
        (batch, bytes) => {
          this.#pace.rest()
          const filtered = filter.filter(bytes, batch)
          isSame &&= filtered === 'same'
          if (filtered === 'gone') return true
          const left = filtered === 'same' ? bytes.subarray(batch.at, batch.end) : filtered
          addChunk(chunks, left)
          segment.noteFound(filtered === 'same' ? batch : readBatch(left), indexIntervalBytes)
          return true
        },
        flush,
        held,
      )
      for (const { epoch, startOffset } of source.epochs)
        if (!segment.epochs.some(known => known.epoch === epoch)) segment.epochs.push({ epoch, startOffset })
    }
    segment.epochs.sort((a, b) => a.epoch - b.epoch)
    const { baseOffset, size } = segment
    const { nextOffset } = sources.at(-1)!
    segment.nextOffset = nextOffset
    return { group: { sources, baseOffset, nextOffset, size, sidecar: segment.encodeSidecar() }, isSame }
  }
}

/** Neighbours in the same piece become one. */
function addChunk(chunks: Uint8Array[], next: Uint8Array): void {
  const last = chunks.at(-1)
  if (last?.buffer === next.buffer && last.byteOffset + last.length === next.byteOffset)
    chunks[chunks.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + next.length)
  else chunks.push(next)
}
