/**
 * The metadata as an image in memory, with its two copies on disk. A change is synced to the log first, then committed to the database,
 * and counts when both have it: each copy alone has every change that was answered. When one of them cannot take it, neither keeps it.
 */
import type { MetadataDatabase } from './metadata-database.ts'
import type { MetadataEntry, MetadataImage } from './metadata-image.ts'
import type { MetadataLog } from './metadata-log.ts'

export class MetadataCopies {
  readonly image: MetadataImage
  readonly #files: { database: MetadataDatabase; log: MetadataLog } | undefined
  #last: Promise<unknown> = Promise.resolve()

  /** Without files it is kept in memory alone. */
  constructor(image: MetadataImage, files?: { database: MetadataDatabase; log: MetadataLog }) {
    this.image = image
    this.#files = files
  }

  /** One change after the other; `plan` sees what the ones before it made. */
  write(plan: () => readonly MetadataEntry[]): Promise<void> {
    const written = this.#last.then(() => this.#write(plan()))
    this.#last = written.catch(() => undefined)
    return written
  }

  async #write(entries: readonly MetadataEntry[]): Promise<void> {
    if (this.#files !== undefined) {
      const { database, log } = this.#files
      await log.append(this.image, entries)
      try {
        database.commit(this.image, entries)
      } catch (error) {
        await log.takeBack()
        throw error
      }
    }
    this.image.apply(entries)
  }

  async close(): Promise<void> {
    await this.#last
    await this.#files?.log.close()
    this.#files?.database.close()
  }
}
