/**
 * Indexes of closed segments: read from their sidecars when first needed, made again from the log when a sidecar is missing or wrong,
 * and dropped, least recently used first, when together they take too much memory.
 */
import type { Disk } from '@odradek/world'
import { scanBatches } from './batch-scan.ts'
import type { OpenFiles } from './open-files.ts'
import { Segment } from './segment.ts'
import type { SparseIndex } from './sparse-index.ts'
import { readFileIfThere, writeFile } from './whole-file.ts'

export class SegmentIndexes {
  readonly #disk: Disk
  readonly #files: OpenFiles
  readonly #limit: number
  #bytes = 0
  /** Segments whose index is in memory and on disk, with its size. Insertion order is the order of last use. */
  readonly #droppable = new Map<Segment, number>()

  constructor(disk: Disk, files: OpenFiles, limit: number) {
    this.#disk = disk
    this.#files = files
    this.#limit = limit
  }

  async of(segment: Segment, indexIntervalBytes: number): Promise<SparseIndex> {
    if (segment.index === undefined) {
      const index = await this.#load(segment, indexIntervalBytes)
      segment.index ??= index
      this.mayDrop(segment)
      return index
    }
    if (this.#droppable.has(segment)) this.mayDrop(segment)
    return segment.index
  }

  /** The sidecar on disk holds this closed segment's index. */
  mayDrop(segment: Segment): void {
    this.forget(segment)
    const bytes = segment.index?.bytes ?? 0
    this.#droppable.set(segment, bytes)
    this.#bytes += bytes
    for (const oldest of this.#droppable.keys()) {
      if (this.#bytes <= this.#limit) return
      this.forget(oldest)
      oldest.index = undefined
    }
  }

  forget(segment: Segment): void {
    this.#bytes -= this.#droppable.get(segment) ?? 0
    this.#droppable.delete(segment)
  }

  async #load(segment: Segment, indexIntervalBytes: number): Promise<SparseIndex> {
    const sidecar = await readFileIfThere(this.#disk, segment.sidecarPath)
    try {
      if (sidecar !== undefined) return segment.decodeIndex(sidecar)
    } catch {
      // Damaged: what the log says counts.
    }
    const rebuilt = await this.#rebuild(segment, indexIntervalBytes)
    await writeFile(this.#disk, segment.sidecarPath, rebuilt.encodeSidecar(), { sync: false }).catch(() => undefined)
    return rebuilt.index!
  }

  async #rebuild(segment: Segment, indexIntervalBytes: number): Promise<Segment> {
    const rebuilt = new Segment(segment.folder, segment.baseOffset)
    const open = await this.#files.take(segment.path)
    try {
      await scanBatches(open.file, 0, segment.baseOffset, batch => {
        rebuilt.noteFound(batch, indexIntervalBytes)
        return undefined
      })
    } finally {
      this.#files.release(open)
    }
    return rebuilt
  }
}
