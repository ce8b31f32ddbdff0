/**
 * The journal: many partitions with little to sync each become durable by one write and one sync instead of one sync each. Their bytes
 * stand in their segments already, unsynced; the journal holds them a second time until the segments are synced behind its back.
 *
 *     commit ─▶ [ piece, filling ]──full──▶ [ piece, leaving ]──its partitions' files are synced──▶ free
 *     start  ─▶ what the pieces hold is written to the segments again (journal-replay.ts)
 *
 * Two pieces take turns. While there is no room, or after a failure, it takes nothing and the files are synced themselves.
 *
 * Invariants: one group is in flight at a time; once a sync of it has failed nothing is acknowledged from it until a restart; a piece
 * is written over only when everything in it is durable elsewhere.
 */
import type { Clock, Disk, Timer } from '@odradek/world'
import { eachOf } from '../each-of.ts'
import { journalName } from '../folder/file-names.ts'
import type { LogLogger } from '../log-services.ts'
import { durably, SyncFailure } from '../sync/sync-failure.ts'
import { encodeGroup, type JournalEntry, largestGroup, sizeOfEntry, sizeOfGroup } from './journal-group.ts'
import { type Journaled, JournalPiece } from './journal-piece.ts'

export interface JournalOptions {
  clock: Clock
  disk: Disk
  /** The data folder. */
  root: string
  /** Larger than any in the folder. */
  sequence: number
  /** A piece is left when the next group would make it larger. */
  pieceBytes: number
  logger: LogLogger
}

export interface StagedEntry {
  readonly entry: JournalEntry
  readonly from: Journaled
}

/** That take turns; and of those kept because a partition in them was lost. */
const mostInTurn = 2
const mostKept = 8
/** Files synced at the same time behind a piece that is left. */
const settleWidth = 2
/** After a write was refused (a full disk), and before what could not be settled is tried again. */
const patienceMs = 5000
/** A piece is left after so long even if it is not full, so that a quiet journal leaves a start nothing to do. */
const leaveAfterMs = 30_000

export class Journal {
  readonly #options: JournalOptions
  readonly #folder: string
  readonly #pieces: JournalPiece[] = []
  #current: JournalPiece | undefined
  /** Has the newest group that is durable. */
  #newest: JournalPiece | undefined
  #sequence: number
  #hasFolder = false
  #isBusy = false
  #isRetired = false
  #quietUntil = 0
  #scratch: Buffer = Buffer.alloc(0)
  #leaveTimer: Timer | undefined
  #leaving: Promise<void> = Promise.resolve()

  constructor(options: JournalOptions) {
    this.#options = options
    this.#folder = `${options.root}/${journalName}`
    this.#sequence = options.sequence
  }

  /** A group is in flight. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** How large a group it could take now. */
  get room(): number {
    const { clock, pieceBytes } = this.#options
    if (this.#isRetired || clock.monotonic() < this.#quietUntil) return 0
    if (this.#hasNext) return Math.min(largestGroup, pieceBytes)
    return this.#current === undefined ? 0 : Math.min(largestGroup, pieceBytes - this.#current.position)
  }

  /** A group no larger than `room`. Resolves to whether all of it is durable; never rejects. */
  async commit(group: readonly StagedEntry[]): Promise<boolean> {
    this.#isBusy = true
    try {
      await this.#write(group)
      return true
    } catch (error) {
      if (error instanceof SyncFailure) this.#retire(error)
      else this.#pause(error)
      return false
    } finally {
      this.#isBusy = false
    }
  }

  async #write(group: readonly StagedEntry[]): Promise<void> {
    const entries = group.map(({ entry }) => entry)
    const size = sizeOfGroup(entries.reduce((sum, entry) => sum + sizeOfEntry(entry), 0))
    const piece = await this.#pieceFor(size)
    if (this.#scratch.length < size) this.#scratch = Buffer.allocUnsafeSlow(size)
    piece.write(encodeGroup(this.#scratch, piece.place, entries))
    for (const { from } of group) piece.dependents.add(from)
    await piece.sync(size)
    this.#newest = piece
  }

  async #pieceFor(size: number): Promise<JournalPiece> {
    const { disk, root, pieceBytes } = this.#options
    if (this.#current === undefined || this.#current.position + size > pieceBytes) this.#turn()
    if (!this.#hasFolder) {
      await disk.makeFolder(this.#folder)
      await durably(disk.syncFolder(root))
      this.#hasFolder = true
    }
    await this.#current!.open(disk)
    return this.#current!
  }

  get #hasNext(): boolean {
    const kept = this.#pieces.filter(piece => piece.state === 'kept').length
    return this.#free !== undefined || (this.#pieces.length - kept < mostInTurn && kept < mostKept)
  }

  /** Not the newest: if its first group were torn, what it held before would look as if the first of it were damaged. */
  get #free(): JournalPiece | undefined {
    return this.#pieces.find(piece => piece.state === 'free' && piece !== this.#newest)
  }

  /** Leaves the current piece for the next one, which there is. */
  #turn(): void {
    if (this.#current !== undefined) this.#leave(this.#current)
    let next = this.#free
    if (next === undefined) {
      next = new JournalPiece(`${this.#folder}/${this.#sequence}.journal`, this.#options.pieceBytes)
      this.#pieces.push(next)
    }
    next.begin(this.#sequence++)
    this.#current = next
    this.#leaveTimer?.cancel()
    this.#leaveTimer = this.#options.clock.timer(leaveAfterMs, () => this.#leaveInTime(next))
  }

  #leaveInTime(piece: JournalPiece): void {
    if (this.#current !== piece) return
    if (this.#isBusy) this.#leaveTimer = this.#options.clock.timer(patienceMs, () => this.#leaveInTime(piece))
    else this.#leaveCurrent()
  }

  #leaveCurrent(): void {
    if (this.#current !== undefined) this.#leave(this.#current)
    this.#current = undefined
  }

  #leave(piece: JournalPiece): void {
    piece.state = 'leaving'
    this.#leaving = this.#leaving.then(() => this.#settle(piece))
  }

  async #settle(piece: JournalPiece): Promise<void> {
    let mustWait = false
    let isLost = false
    await eachOf([...piece.dependents], settleWidth, async dependent => {
      const outcome = await dependent.settle()
      if (outcome === 'settled') piece.dependents.delete(dependent)
      mustWait ||= outcome === 'later'
      isLost ||= outcome === 'lost'
    })
    if (!mustWait) piece.state = isLost ? 'kept' : 'free'
    else if (!this.#isRetired) this.#options.clock.timer(patienceMs, () => this.#leave(piece))
  }

  /** A full disk: files are synced themselves until there may be space again. */
  #pause(error: unknown): void {
    const { clock, logger } = this.#options
    this.#quietUntil = clock.monotonic() + patienceMs
    logger.warn(
      { folder: this.#folder, error: (error as Error).message },
      'cannot write the journal; files are synced one by one',
    )
  }

  /** What was synced before is needed until the files are durable themselves. */
  #retire(error: unknown): void {
    this.#options.logger.error(
      { folder: this.#folder, error: (error as Error).message },
      'a sync of the journal failed: it is not used until a restart, files are synced one by one',
    )
    this.#isRetired = true
    this.#leaveTimer?.cancel()
    this.#leaveCurrent()
  }

  /** Takes nothing any more. `settled`: every partition is durable in its own files, so nothing here is needed. */
  async close({ settled }: { settled: boolean }): Promise<void> {
    this.#isRetired = true
    this.#leaveTimer?.cancel()
    await this.#leaving
    await Promise.all(this.#pieces.map(piece => piece.close()))
    if (settled && this.#hasFolder) await this.#options.disk.remove(this.#folder)
  }
}
