/**
 * Looks now and then which logs are worth compacting, and cleans them one after the other, the most urgent first. Nothing happens while
 * the wall clock is not to be trusted: tombstones go by it.
 */
import type { Random, Timer } from '@odradek/world'
import type { LogServices } from '../log-services.ts'
import type { CleaningTerms, LogCompaction } from '../partition/log-compaction.ts'
import { type CleaningChoice, mostUrgent } from './cleaning-choice.ts'
import type { CleaningRunner } from './cleaning-runner.ts'

export interface CleanerSettings {
  isEnabled: boolean
  /** How long to wait when there was nothing to clean (log.cleaner.backoff.ms). */
  backoffMs: number
  /** Memory for the keys of a log's dirty part (log.cleaner.dedupe.buffer.size). */
  dedupeBytes: number
  /** What cleaning may read and write together (log.cleaner.io.max.bytes.per.second). */
  bytesPerSecond: number
  /** The most a batch may decompress to. */
  maxDecompressedBytes: number
}

export const defaultCleanerSettings: CleanerSettings = {
  isEnabled: true,
  backoffMs: 15_000,
  dedupeBytes: 128 * 1024 * 1024,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  maxDecompressedBytes: 64 * 1024 * 1024,
}

export interface CleanerOptions {
  readonly services: LogServices
  /** Asked before each look and each pass. */
  readonly settings: () => CleanerSettings
  readonly logs: () => Iterable<LogCompaction>
  /** Whether the wall clock is to be trusted now. */
  readonly isClockTrusted: () => boolean
  readonly random: Random
  readonly runner: CleaningRunner
}

export class Cleaner {
  readonly #options: CleanerOptions
  #timer: Timer | undefined
  #working: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: CleanerOptions) {
    this.#options = options
    this.#schedule()
  }

  #schedule(): void {
    const { services, settings } = this.#options
    if (this.#closed) return
    this.#timer = services.clock.timer(settings().backoffMs, () => {
      this.#working = this.#cleanAll().finally(() => this.#schedule())
    })
  }

  async #cleanAll(): Promise<void> {
    while (!this.#closed && (await this.#cleanOne()));
  }

  /** False when there was nothing to do. */
  async #cleanOne(): Promise<boolean> {
    const { isClockTrusted, logs, services, settings } = this.#options
    const now = services.clock.now()
    if (!settings().isEnabled || !isClockTrusted()) return false
    const candidates = []
    for (const log of logs()) {
      const choice = await this.#choiceOf(log, now)
      if (choice !== undefined) candidates.push({ choice, of: { log, choice } })
    }
    const chosen = mostUrgent(candidates)
    if (chosen === undefined || this.#closed) return false
    await chosen.log.clean(chosen.choice, this.#terms(now), (...pass) => this.#options.runner.run(...pass))
    return true
  }

  /** One log that cannot be looked at keeps no other from being cleaned. */
  async #choiceOf(log: LogCompaction, now: number): Promise<CleaningChoice | undefined> {
    try {
      return await log.choice(now)
    } catch (error) {
      const fields = { folder: log.folder, error: (error as Error).message }
      this.#options.services.logger.error(fields, 'cannot tell whether a log is to be compacted')
      return undefined
    }
  }

  #terms(now: number): CleaningTerms {
    const { random, settings } = this.#options
    const { dedupeBytes, bytesPerSecond, maxDecompressedBytes } = settings()
    return { now, dedupeBytes, bytesPerSecond, maxDecompressedBytes, secret: random.bytes(16) }
  }

  /** A pass under way is given up; what it wrote is discarded. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#options.runner.close()
    await this.#working
  }
}
