/**
 * The metadata as an image in memory, with its two copies on disk. Changes are synced to the log first, then committed to the database,
 * and count when both have them: each copy alone has every change that was answered. When one of them cannot take them, neither keeps
 * them. What is asked for while others are on their way shares the next syncs.
 */
import { type DatabaseStep, type MetadataDatabase, stepsOf } from './metadata-database.ts'
import type { MetadataEntry, MetadataImage } from './metadata-image.ts'
import type { ChangeLine, MetadataLog } from './metadata-log.ts'

interface Waiting {
  plan: () => readonly MetadataEntry[]
  resolve: () => void
  reject: (error: unknown) => void
}

const mostAtOnce = 1000

export class MetadataCopies {
  readonly image: MetadataImage
  readonly #files: { database: MetadataDatabase; log: MetadataLog } | undefined
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  /** Without files it is kept in memory alone. */
  constructor(image: MetadataImage, files?: { database: MetadataDatabase; log: MetadataLog }) {
    this.image = image
    this.#files = files
  }

  /** One change after the other; `plan` sees what the ones before it made. */
  write(plan: () => readonly MetadataEntry[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ plan, resolve, reject })
    this.#running ??= this.#run()
    return promise
  }

  async #run(): Promise<void> {
    // Whoever asks in the same turn comes along.
    await undefined
    while (this.#waiting.length > 0) await this.#writeTogether(this.#waiting.splice(0, mostAtOnce))
    this.#running = undefined
  }

  async #writeTogether(group: readonly Waiting[]): Promise<void> {
    const staged: Waiting[] = []
    const undo: MetadataEntry[] = []
    const { revision } = this.image
    try {
      await this.#files?.log.prepare(this.image)
      const lines: ChangeLine[] = []
      const steps: DatabaseStep[] = []
      for (const each of group) {
        const entries = planned(each)
        if (entries === undefined) continue
        steps.push(...stepsOf(this.image, entries))
        for (const [table, key] of entries)
          undo.unshift([table, key, this.image.table(table).get(key) ?? null] as MetadataEntry)
        this.image.apply(entries)
        lines.push({ revision: this.image.revision, digest: this.image.digest, entries })
        staged.push(each)
      }
      if (lines.length > 0) await this.#keep(lines, steps)
      for (const { resolve } of staged) resolve()
    } catch (error) {
      for (const entry of undo) this.image.put(entry)
      this.image.revision = revision
      for (const { reject } of staged.length > 0 ? staged : group) reject(error)
    }
  }

  async #keep(lines: readonly ChangeLine[], steps: readonly DatabaseStep[]): Promise<void> {
    if (this.#files === undefined) return
    const { database, log } = this.#files
    await log.append(lines)
    try {
      database.commit(steps, this.image.revision, this.image.digest)
    } catch (error) {
      await log.takeBack()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#running
    await this.#files?.log.close()
    this.#files?.database.close()
  }
}

/** Undefined, and told, when the change cannot be made: what it is about is gone. */
function planned({ plan, reject }: Waiting): readonly MetadataEntry[] | undefined {
  try {
    return plan()
  } catch (error) {
    reject(error)
    return undefined
  }
}
