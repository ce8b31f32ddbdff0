/**
 * Writes the end of a partition's log: holds the active segment's file while there is something to write or sync, starts the next
 * segment, and describes the one before.
 *
 * A segment is started only when all before it is durable, and its name is durable before the first record in it.
 */
import assert from 'node:assert/strict'
import type { OpenFile } from '../folder/open-files.ts'
import { createPartitionFolder, type PartitionOwner, partitionFolder } from '../folder/partition-folder.ts'
import type { JournalEntry } from '../journal/journal-group.ts'
import type { LogServices } from '../log-services.ts'
import type { ProducerState } from '../producers/producer-state.ts'
import { FileSyncs } from '../sync/file-syncs.ts'
import { durably } from '../sync/sync-failure.ts'
import { ActiveDescription } from './active-description.ts'
import { type PlacedBatch, Segment } from './segment.ts'
import { snapshotOf, writeSidecar, writeSnapshot } from './segment-closing.ts'
import type { DurableEnd, SegmentList } from './segment-list.ts'

export class SegmentWriter {
  readonly #services: LogServices
  readonly #owner: PartitionOwner
  readonly #segments: SegmentList
  #open: OpenFile | undefined
  /** In the active segment. */
  #durableSize: number
  /** Of that, in the file itself; the rest is durable in the journal. */
  #settledSize: number
  /** Written and not durable, up to the end of the segment; empty when it is too much for the journal. */
  #unsynced: Uint8Array[] = []
  #unsyncedBytes = 0
  #mustCut = false
  /** Offset of the newest snapshot on disk; -1: none. */
  #snapshotOffset: number
  #describing: Promise<void> = Promise.resolve()
  readonly #growing: ActiveDescription
  /** Of the active segment. */
  #syncs = new FileSyncs()

  constructor(services: LogServices, owner: PartitionOwner, segments: SegmentList, snapshotOffset: number) {
    this.#services = services
    this.#owner = owner
    this.#segments = segments
    this.#snapshotOffset = snapshotOffset
    this.#growing = new ActiveDescription(services)
    this.#durableSize = segments.active?.size ?? 0
    this.#settledSize = this.#durableSize
    for (const segment of segments.all)
      if (segment !== segments.active && segment.index !== undefined) this.#describeLater(segment)
  }

  get #folder(): string {
    return partitionFolder(this.#services.folder, this.#owner)
  }

  get durableEnd(): DurableEnd {
    const { active } = this.#segments
    const last = active ?? this.#segments.all.at(-1)!
    return { segment: last, position: active === undefined ? last.size : this.#durableSize }
  }

  /** Whether the file is at hand; taking one that is open needs no wait. */
  isReady(active: Segment): boolean {
    this.#open ??= this.#services.files.takeOpen(active.path)
    return this.#open !== undefined
  }

  async openActive(active: Segment): Promise<void> {
    this.#open = await this.#services.files.take(active.path)
  }

  /** Somebody else may need the descriptor. */
  release(): void {
    const open = this.#open
    this.#open = undefined
    if (open === undefined) return
    const { active } = this.#segments
    open.beforeClose = active === undefined || this.isSettled ? undefined : () => this.#settleBy(open, active)
    this.#services.files.release(open)
  }

  /** Throws when the disk refuses. Then what was written of it must go, durably, before the segment counts as durable again. */
  write(batches: readonly PlacedBatch[], indexIntervalBytes: number): void {
    const { leaderEpoch } = this.#services
    try {
      this.#segments.active!.append(this.#open!.file, batches, leaderEpoch, indexIntervalBytes)
    } catch (error) {
      this.#mustCut = true
      throw error
    }
    for (const { bytes } of batches) this.#unsyncedBytes += bytes.length
    if (this.#isForJournal) for (const { bytes } of batches) this.#unsynced.push(bytes)
    else this.#unsynced = []
    this.#segments.epochs.assign(leaderEpoch, batches[0]!.baseOffset)
  }

  /** Part of a failed write may stand behind the last batch. */
  get mustCut(): boolean {
    return this.#mustCut
  }

  /** Returns the offset before which everything is durable now. */
  async sync(): Promise<number> {
    const active = this.#segments.active!
    const { file } = this.#open!
    const { nextOffset, size } = active
    if (this.#mustCut) active.cut(file)
    this.#mustCut = false
    this.#forgetUnsynced()
    await this.#syncs.sync(file)
    this.#durableSize = size
    this.#settledSize = size
    return nextOffset
  }

  /** What is more is not kept: a slow disk must not fill the memory. */
  get #isForJournal(): boolean {
    return this.#unsyncedBytes <= this.#services.journaledBytes
  }

  #forgetUnsynced(): void {
    this.#unsynced = []
    this.#unsyncedBytes = 0
  }

  // By the journal

  get unsyncedBytes(): number {
    return this.#unsyncedBytes
  }

  /** All that is not durable. */
  stage(): JournalEntry {
    const { baseOffset, nextOffset, size } = this.#segments.active!
    const chunks = this.#unsynced
    const bytes = this.#unsyncedBytes
    assert.equal(this.#durableSize + bytes, size)
    this.#forgetUnsynced()
    return { owner: this.#owner, segment: baseOffset, position: this.#durableSize, nextOffset, chunks, bytes }
  }

  journaled({ position, bytes }: JournalEntry): void {
    this.#durableSize = position + bytes
  }

  /** The journal did not take it. */
  takeBack({ chunks, bytes }: JournalEntry): void {
    this.#unsyncedBytes += bytes
    this.#unsynced = this.#isForJournal ? [...chunks, ...this.#unsynced] : []
  }

  /** What is durable is so in the file itself. */
  get isSettled(): boolean {
    return this.#settledSize >= this.#durableSize
  }

  async settle(): Promise<void> {
    const { active } = this.#segments
    if (active === undefined || this.isSettled) return
    const open = await this.#services.files.take(active.path)
    try {
      await this.#settleBy(open, active)
    } finally {
      this.#services.files.release(open)
    }
  }

  /**
   * By the descriptor that was open since the bytes were written, before it is closed: of pages that it could not write the system tells
   * those who have the file open then, and nobody for sure who opens it later.
   */
  async #settleBy({ file }: OpenFile, active: Segment): Promise<void> {
    const size = this.#durableSize
    if (active !== this.#segments.active || this.isSettled) return
    await this.#syncs.sync(file)
    if (active === this.#segments.active) this.#settledSize = Math.max(this.#settledSize, size)
  }

  /** The first record: until now there was no need of a folder. Or the first one after damage. */
  async startLog(): Promise<void> {
    const isFirst = this.#segments.all.length === 0
    await this.#services.lanes.run(() =>
      isFirst ? this.#startFolder() : this.#startSegment(this.#segments.nextOffset),
    )
  }

  async #startFolder(): Promise<void> {
    const { disk, files, names } = this.#services
    const segment = new Segment(this.#folder, this.#segments.nextOffset)
    let open: OpenFile | undefined
    const fill = async () => {
      open = await files.take(segment.path, 'fresh')
    }
    try {
      await createPartitionFolder(disk, this.#folder, this.#owner.topicId, { names, fill })
    } catch (error) {
      if (open !== undefined) files.release(open)
      throw error
    }
    this.#begin(segment, open!)
  }

  /** The active segment is durable. Its description may take its time. */
  async roll(producers: ProducerState): Promise<void> {
    const closed = this.#segments.active!
    await this.settle()
    const snapshot = snapshotOf(closed.nextOffset, producers)
    await this.#services.lanes.run(() => this.#startSegment(closed.nextOffset))
    this.#describeLater(closed, snapshot)
  }

  /** Resolves when no description is being written. */
  async idle(): Promise<void> {
    await this.#growing.idle()
    await this.#describing
  }

  /** After a sync, or a start: a segment that has grown much is described. */
  describeGrowth(producers: ProducerState): void {
    const { active } = this.#segments
    if (active !== undefined) this.#growing.look(active, this.#settledSize, producers)
  }

  /** Everything is durable. Notes what the next start would otherwise have to find out; costs no sync. */
  async describeActive(producers: ProducerState): Promise<void> {
    await this.idle()
    await this.settle()
    const active = this.#segments.active!
    try {
      if (active.size > 0 && active.sidecarSize !== active.size) await writeSidecar(this.#services, active)
      if (this.#snapshotOffset === active.nextOffset) return
      this.#snapshotOffset = active.nextOffset
      const snapshot = snapshotOf(active.nextOffset, producers)
      await writeSnapshot(this.#services, this.#folder, active.nextOffset, snapshot, { sync: false })
    } catch (error) {
      const message = 'could not describe the last segment of a log; the next start will scan it'
      this.#services.logger.warn({ file: active.path, error: (error as Error).message }, message)
    }
  }

  async #startSegment(baseOffset: number): Promise<void> {
    const { files, disk } = this.#services
    const segment = new Segment(this.#folder, baseOffset)
    this.release()
    const open = await files.take(segment.path, 'fresh')
    try {
      await durably(disk.syncFolder(this.#folder))
    } catch (error) {
      files.release(open)
      throw error
    }
    this.#begin(segment, open)
  }

  #begin(segment: Segment, open: OpenFile): void {
    this.#open = open
    this.#syncs = new FileSyncs()
    this.#durableSize = 0
    this.#settledSize = 0
    this.#segments.add(segment)
  }

  /** Without a snapshot: a closed segment that recovery had to scan. */
  #describeLater(segment: Segment, snapshot?: Uint8Array): void {
    const { lanes } = this.#services
    const earlier = Promise.all([this.#growing.idle(), this.#describing])
    this.#describing = earlier.then(() => lanes.run(() => this.#describe(segment, snapshot)))
  }

  async #describe(segment: Segment, snapshot: Uint8Array | undefined): Promise<void> {
    try {
      await writeSidecar(this.#services, segment)
      this.#services.indexes.mayDrop(segment)
      if (snapshot === undefined) return
      await writeSnapshot(this.#services, this.#folder, segment.nextOffset, snapshot, { sync: true })
      this.#snapshotOffset = segment.nextOffset
    } catch (error) {
      this.#services.logger.warn(
        { file: segment.path, error: (error as Error).message },
        'could not describe a closed segment; the next start will scan it',
      )
    }
  }
}
