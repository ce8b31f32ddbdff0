/**
 * Indexes of closed segments: read from their sidecars when first needed, made again from the log when a sidecar is missing or wrong,
 * and dropped, least recently used first, when together they take too much memory.
 */
import type { Disk } from '@odradek/world'
import { walkUndamaged } from '../damage/damage-walk.ts'
import type { Quarantine } from '../damage/quarantine.ts'
import type { OpenFiles } from '../folder/open-files.ts'
import { readFileIfReadable } from '../folder/whole-file.ts'
import { Segment } from './segment.ts'
import { writeSidecarBytes } from './segment-closing.ts'
import type { SparseIndex } from './sparse-index.ts'

export class SegmentIndexes {
  readonly #disk: Disk
  readonly #files: OpenFiles
  readonly #limit: number
  #bytes = 0
  /** Segments whose index is in memory and on disk, with its size. Insertion order is the order of last use. */
  readonly #droppable = new Map<Segment, number>()
  readonly #loading = new Map<Segment, Promise<SparseIndex>>()

  constructor(disk: Disk, files: OpenFiles, limit: number) {
    this.#disk = disk
    this.#files = files
    this.#limit = limit
  }

  /** Damage that is known is passed over when an index must be made again; other damage is thrown. */
  async of(segment: Segment, indexIntervalBytes: number, quarantine: Quarantine): Promise<SparseIndex> {
    if (segment.index === undefined) {
      const loading = this.#loading.get(segment) ?? this.#load(segment, indexIntervalBytes, quarantine)
      this.#loading.set(segment, loading)
      const index = await loading.finally(() => this.#loading.delete(segment))
      if (segment.isReplaced) return index
      segment.index ??= index
      this.mayDrop(segment)
      return index
    }
    if (this.#droppable.has(segment)) this.mayDrop(segment)
    return segment.index
  }

  /** Resolves when no sidecar of it is being read or written any more. */
  async idle(segment: Segment): Promise<void> {
    await this.#loading.get(segment)?.catch(() => undefined)
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

  async #load(segment: Segment, indexIntervalBytes: number, quarantine: Quarantine): Promise<SparseIndex> {
    const sidecar = await readFileIfReadable(this.#disk, segment.sidecarPath)
    try {
      if (sidecar !== undefined) return segment.decodeIndex(sidecar)
    } catch {
      // Damaged: what the log says counts.
    }
    const rebuilt = await this.#rebuild(segment, indexIntervalBytes, quarantine)
    await writeSidecarBytes(this.#disk, segment, rebuilt.encodeSidecar()).catch(() => undefined)
    return rebuilt.index!
  }

  async #rebuild(segment: Segment, indexIntervalBytes: number, quarantine: Quarantine): Promise<Segment> {
    const rebuilt = new Segment(segment.folder, segment.baseOffset)
    const limit = { position: segment.size, nextOffset: segment.nextOffset }
    const open = await this.#files.take(segment.path)
    try {
      await walkUndamaged(open.file, segment.baseOffset, quarantine, limit, {
        batch: header => void rebuilt.noteFound(header, indexIntervalBytes),
        damage: end => rebuilt.noteDamage(end),
      })
    } finally {
      this.#files.release(open)
    }
    return rebuilt
  }
}
