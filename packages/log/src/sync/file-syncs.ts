/**
 * The syncs of one file, one after the other, whoever asks: two at the same time might share one failure of which the system tells only
 * one of them. When one has failed all later ones do, as the file is not to be trusted any more (sync-failure.ts).
 */
import type { DiskFile } from '@odradek/world'
import { durably, SyncFailure } from './sync-failure.ts'

export class FileSyncs {
  #last: Promise<void> = Promise.resolve()
  #failure: SyncFailure | undefined

  /** Resolves when everything written before the call is durable. */
  sync(file: Pick<DiskFile, 'sync'>): Promise<void> {
    const sync = this.#last.then(() => this.#sync(file))
    this.#last = sync.catch(() => undefined)
    return sync
  }

  async #sync(file: Pick<DiskFile, 'sync'>): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      await durably(file.sync())
    } catch (error) {
      if (error instanceof SyncFailure) this.#failure = error
      throw error
    }
  }
}
