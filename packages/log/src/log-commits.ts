/**
 * How what was written to the log of a partition becomes durable: the sync queue gives it a turn, the high watermark moves, parked
 * readers wake, and acks=-1 is answered. Once a sync has failed nothing is acknowledged any more.
 */
import type { LogParts } from './log-parts.ts'
import type { Syncable } from './sync-queue.ts'

export class LogCommits implements Syncable {
  readonly #parts: LogParts
  readonly #committed: () => void

  /** `committed` is called after each sync that succeeded. */
  constructor(parts: LogParts, committed: () => void) {
    this.#parts = parts
    this.#committed = committed
  }

  get needsSync(): boolean {
    const { ends, failure, writer } = this.#parts
    return failure.code === undefined && (ends.nextOffset > ends.highWatermark || writer.mustCut)
  }

  request(): void {
    this.#parts.services.syncs.request(this)
  }

  async sync(): Promise<void> {
    const { ends, failure, waiters, writer } = this.#parts
    try {
      const offset = await writer.sync()
      if (failure.code !== undefined) return
      ends.highWatermark = offset
    } catch (error) {
      failure.noteSync(error)
      return
    }
    ends.note()
    waiters.committed(ends.highWatermark)
    this.#committed()
  }

  /** Resolves when all that was written is durable, and nothing else is in the file. */
  async durable(): Promise<void> {
    const { ends, owner, waiters } = this.#parts
    while (this.needsSync) {
      await new Promise<void>((resolve, reject) => {
        const failed = () => reject(new Error(`a sync of ${owner.topic}-${owner.index} failed`))
        waiters.addAppend(ends.nextOffset, error => (error === undefined ? resolve() : failed()))
      })
    }
  }
}
