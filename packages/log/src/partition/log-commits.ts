/**
 * How what was written to the log of a partition becomes durable: the sync queue gives it a turn, by a sync of its file or by the
 * journal, the high watermark moves, parked readers wake, and acks=-1 is answered. Once a sync has failed nothing is acknowledged any
 * more.
 */
import { ErrorCodes } from '@odradek/protocol'
import type { JournalEntry } from '../journal/journal-group.ts'
import { SyncFailure } from '../sync/sync-failure.ts'
import type { Committable } from '../sync/sync-queue.ts'
import type { LogParts } from './log-parts.ts'

export class LogCommits implements Committable {
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
    const { ends, failure, producers, writer } = this.#parts
    try {
      const offset = await writer.sync()
      if (failure.code !== undefined) return
      ends.highWatermark = offset
    } catch (error) {
      failure.noteSync(error)
      return
    }
    ends.note()
    writer.describeGrowth(producers)
    this.#moved()
  }

  get unsyncedBytes(): number {
    const { writer } = this.#parts
    return writer.mustCut ? Number.POSITIVE_INFINITY : writer.unsyncedBytes
  }

  stage(): JournalEntry {
    return this.#parts.writer.stage()
  }

  /** A start finds in the journal how far it is durable; a note of it may come later. */
  journaled(entry: JournalEntry, isDurable: boolean): void {
    const { ends, failure, services, writer } = this.#parts
    if (isDurable) writer.journaled(entry)
    else writer.takeBack(entry)
    if (!isDurable || failure.code !== undefined) return
    ends.highWatermark = entry.nextOffset
    services.lateNotes.add(ends)
    this.#moved()
  }

  #moved(): void {
    const { ends, producers, waiters } = this.#parts
    producers.transactions.committed(ends.highWatermark)
    waiters.committed(ends.highWatermark)
    this.#committed()
  }

  /** Makes durable in its own file what so far the journal alone keeps. */
  async settle(): Promise<'settled' | 'later' | 'lost'> {
    const { ends, failure, producers, writer } = this.#parts
    if (writer.isSettled || failure.code === ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION) return 'settled'
    if (failure.code !== undefined) return 'lost'
    try {
      await writer.settle()
      ends.note()
      writer.describeGrowth(producers)
      return 'settled'
    } catch (error) {
      if (!(error instanceof SyncFailure)) return 'later'
      failure.noteSync(error)
      return 'lost'
    }
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
    ends.note()
  }
}
