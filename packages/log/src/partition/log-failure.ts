/**
 * What is wrong with the log of a partition, if anything.
 *
 *     fine ──a write fails──▶ full ──one succeeds──▶ fine
 *     fine or full ──a sync fails, or it is closed or deleted──▶ ended, until a restart has looked at what the disk really holds
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { LogLogger } from '../log-services.ts'
import { SyncFailure } from '../sync/sync-failure.ts'

export class LogFailure {
  readonly #logger: LogLogger
  readonly #folder: string
  readonly #ended: (code: ErrorCode) => void
  #code: ErrorCode | undefined
  #isFull = false

  /** `ended` is called with what everybody is answered from now on. */
  constructor(logger: LogLogger, folder: string, ended: (code: ErrorCode) => void) {
    this.#logger = logger
    this.#folder = folder
    this.#ended = ended
  }

  /** What everybody is answered; undefined while the log can be used. */
  get code(): ErrorCode | undefined {
    return this.#code
  }

  report(error: unknown, message: string): void {
    this.#logger.error({ folder: this.#folder, error: (error as Error).message }, message)
  }

  /** Says once that writing fails, until it succeeds again. */
  noteFull(error: unknown): void {
    if (this.#isFull) return
    this.#isFull = true
    this.report(error, 'cannot write or remove; producers are told to retry, reads go on')
  }

  noteWritten(): void {
    this.#isFull = false
  }

  /** Of a step that changes files. */
  noteStep(error: unknown): void {
    if (error instanceof SyncFailure) this.noteSync(error)
    else this.noteFull(error)
  }

  noteSync(error: unknown): void {
    if (this.#code !== undefined) return
    this.report(error, 'a sync failed: the partition is offline until a restart has checked its files')
    this.end(ErrorCodes.KAFKA_STORAGE_ERROR)
  }

  end(code: ErrorCode): void {
    this.#code = code
    this.#ended(code)
  }
}
