/**
 * Looks now and then which logs are worth compacting, and cleans them one after the other, the most urgent first. Nothing happens while
 * the wall clock is not to be trusted: tombstones go by it.
 */
import type { Random, Timer } from '@odradek/world'
import type { CleaningTerms, LogCompaction } from '../log-compaction.ts'
import type { LogServices } from '../log-services.ts'
import { mostUrgent } from './cleaning-choice.ts'
import type { CleaningRunner } from './cleaning-runner.ts'

/** May change at run time. */
export interface CleanerLimits {
  /** Memory for the keys of a log's dirty part (log.cleaner.dedupe.buffer.size). */
  cleanerDedupeBytes: number
  /** What cleaning may read and write together (log.cleaner.io.max.bytes.per.second). */
  cleanerBytesPerSecond: number
  /** How long to wait when there was nothing to clean (log.cleaner.backoff.ms); -1: no log is ever cleaned. */
  cleanerBackoffMs: number
  /** The most a batch may decompress to. */
  cleanerDecompressedBytes: number
}

export interface CleanerOptions {
  readonly services: LogServices
  readonly limits: CleanerLimits
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
    const { services, limits } = this.#options
    if (this.#closed || limits.cleanerBackoffMs < 0) return
    this.#timer = services.clock.timer(limits.cleanerBackoffMs, () => {
      this.#working = this.#cleanAll()
      void this.#working.then(() => this.#schedule())
    })
  }

  async #cleanAll(): Promise<void> {
    while (!this.#closed && (await this.#cleanOne()));
  }

  /** False when there was nothing to do. */
  async #cleanOne(): Promise<boolean> {
    const { isClockTrusted, logs, services } = this.#options
    const now = services.clock.now()
    if (!isClockTrusted()) return false
    const candidates = []
    for (const log of logs()) {
      const choice = await log.choice(now)
      if (choice !== undefined) candidates.push({ choice, of: { log, choice } })
    }
    const chosen = mostUrgent(candidates)
    if (chosen === undefined || this.#closed) return false
    await chosen.log.clean(chosen.choice, this.#terms(now), (job, handOver) => this.#options.runner.run(job, handOver))
    return true
  }

  #terms(now: number): CleaningTerms {
    const { limits, random } = this.#options
    return {
      now,
      dedupeBytes: limits.cleanerDedupeBytes,
      bytesPerSecond: limits.cleanerBytesPerSecond,
      maxDecompressedBytes: limits.cleanerDecompressedBytes,
      secret: random.bytes(16),
    }
  }

  /** A pass under way is given up; what it wrote is discarded. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#options.runner.close()
    await this.#working
  }
}
