/**
 * A file of the journal, filled from its start, and whose partitions depend on it.
 *
 *     filling ──full──▶ leaving ──all its partitions are durable in their own files──▶ free: filled anew
 *                          └────── one of them never will be: kept, for the next start to look at
 *
 * It is written over, never cut: then a sync need not commit a new size or new blocks, which makes it a third shorter. So that this
 * holds the first time, too, it grows by many groups at a time, as zeroes, which no group looks like. Zeroes are never written before
 * `position`: there is what was acknowledged.
 */
import type { Disk, DiskFile } from '@odradek/world'
import { parentFolder } from '../folder/whole-file.ts'
import { durably } from '../sync/sync-failure.ts'
import type { GroupPlace } from './journal-group.ts'

/** A partition that the journal made durable, until its own file is. */
export interface Journaled {
  /** Makes its file durable. `lost`: that has failed, and what the journal holds of it is all there is. */
  settle(): Promise<'settled' | 'later' | 'lost'>
}

/** The sync after a growth writes all of it, and must not take much longer than one of a group. */
const growthBytes = 64 * 1024
const zeroes = new Uint8Array(growthBytes)

export class JournalPiece {
  readonly #path: string
  readonly #mostBytes: number
  #file: DiskFile | undefined
  #sequence = -1
  #position = 0
  /** Up to where it was grown, or filled. */
  #size = 0
  #groups = 0
  /** What a start must find here. */
  readonly dependents: Set<Journaled> = new Set()
  state: 'free' | 'filling' | 'leaving' | 'kept' = 'free'

  constructor(path: string, mostBytes: number) {
    this.#path = path
    this.#mostBytes = mostBytes
  }

  get position(): number {
    return this.#position
  }

  get place(): GroupPlace {
    return { sequence: this.#sequence, number: this.#groups }
  }

  begin(sequence: number): void {
    this.state = 'filling'
    this.#sequence = sequence
    this.#position = 0
    this.#groups = 0
  }

  /** Its name is durable before the first group in it. */
  async open(disk: Disk): Promise<void> {
    if (this.#file !== undefined) return
    const file = await disk.open(this.#path, 'fresh')
    try {
      await durably(disk.syncFolder(parentFolder(this.#path)))
    } catch (error) {
      await file.close()
      throw error
    }
    this.#file = file
  }

  /** When it fails, the next group takes the place of what was written. */
  write(group: Uint8Array): void {
    this.#grow(this.#position + group.length)
    this.#file!.write(this.#position, [group])
  }

  /** Behind what it holds: where an earlier growth has failed, groups stand beyond its size. */
  #grow(needed: number): void {
    this.#size = Math.max(this.#size, this.#position)
    if (needed <= this.#size) return
    const size = Math.min(Math.ceil(needed / growthBytes) * growthBytes, this.#mostBytes)
    try {
      for (; this.#size < size; this.#size = Math.min(this.#size + growthBytes, size))
        this.#file!.write(this.#size, [zeroes.subarray(0, size - this.#size)])
    } catch {
      // The disk is full, and may yet have room for the group alone.
    }
  }

  /** Of what was written, which counts from now on. */
  async sync(groupSize: number): Promise<void> {
    await durably(this.#file!.sync())
    this.#position += groupSize
    this.#groups++
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }
}
