/**
 * The scrub: goes through every byte of every partition, at a set rate, to find damage before a reader does.
 *
 *     ├─ pass ─────────────────────────┤ rest ├─ pass …        at most so many bytes a second; a new pass an hour after the last began
 *
 * It reads a piece, checks it, and waits until its time has come for the next; it holds no file while it waits. What it finds goes the
 * way of all damage (partition/log-care.ts). How the last whole pass went is kept in the data folder, and survives restarts.
 */
import type { Clock } from '@odradek/world'
import type { LogServices } from '../log-services.ts'
import type { PartitionLog } from '../partition/partition-log.ts'
import type { ReadableFile } from '../segment/batch-scan.ts'
import { tellScrubbed } from './log-events.ts'
import { readScrubPass, type ScrubPass, writeScrubPass } from './scrub-file.ts'

const restMs = 60 * 60 * 1000
/** After a start there is more important work. */
const firstRestMs = 60 * 1000
/** A piece costs at least as much: opening a file takes time too. */
const leastCost = 64 * 1024

export interface ScrubStatus {
  /** The last whole pass; undefined when there was none. */
  readonly last: ScrubPass | undefined
  /** The pass that is under way. */
  readonly current: { readonly startedAt: number; readonly bytes: number; readonly damaged: number } | undefined
}

export class Scrub {
  readonly #services: LogServices
  readonly #logs: () => Iterable<PartitionLog>
  readonly #pace: Pace
  readonly #stopped = new AbortController()
  #last: ScrubPass | undefined
  #current: { startedAt: number; bytes: number; damaged: number } | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(services: LogServices, logs: () => Iterable<PartitionLog>, bytesPerSecond: number) {
    this.#services = services
    this.#logs = logs
    this.#pace = new Pace(services.clock, bytesPerSecond, this.#stopped.signal)
  }

  get status(): ScrubStatus {
    return { last: this.#last, current: this.#current && { ...this.#current } }
  }

  /** Without a rate there is no scrub; what the last one found is still known. */
  async start(bytesPerSecond: number): Promise<void> {
    this.#last = await readScrubPass(this.#services.disk, this.#services.folder)
    if (bytesPerSecond > 0) this.#running = this.#run().catch(() => undefined)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock } = this.#services
    const { signal } = this.#stopped
    await rest(clock, firstRestMs, signal)
    for (;;) {
      const began = clock.monotonic()
      await this.pass()
      await rest(clock, Math.max(0, restMs - (clock.monotonic() - began)), signal)
    }
  }

  /** Once through everything. */
  async pass(): Promise<ScrubPass> {
    const { clock, disk, folder, logger } = this.#services
    const current = { startedAt: clock.now(), bytes: 0, damaged: 0, doubtful: 0 }
    const began = clock.monotonic()
    this.#current = current
    try {
      for (const log of this.#logs()) {
        const before = log.damagedRanges.length
        current.doubtful += await log.scrub(path => this.#paced(path)).catch(error => this.#report(log, error))
        current.damaged += Math.max(0, log.damagedRanges.length - before)
      }
    } finally {
      this.#current = undefined
    }
    const pass = { ...current, endedAt: clock.now(), durationMs: Math.round(clock.monotonic() - began) }
    this.#last = pass
    await writeScrubPass(disk, folder, pass).catch(error =>
      logger.warn({ folder, error: error.message }, 'cannot note how the scrub went'),
    )
    let known = 0
    for (const log of this.#logs()) known += log.damagedRanges.length
    tellScrubbed(logger, pass, known)
    return pass
  }

  #report(log: PartitionLog, error: Error): number {
    if (this.#stopped.signal.aborted) throw error
    this.#services.logger.warn({ folder: log.folder, error: error.message }, 'cannot scrub a partition; the others are')
    return 0
  }

  /** The file, read at the scrub's pace, and held for no longer than a read. */
  #paced(path: string): ReadableFile {
    const { files } = this.#services
    return {
      path,
      size: Number.POSITIVE_INFINITY,
      read: async (position, length) => {
        await this.#pace.wait(Math.max(length, leastCost))
        const open = await files.take(path)
        try {
          const bytes = await open.file.read(position, length)
          if (this.#current !== undefined) this.#current.bytes += bytes.length
          return bytes
        } finally {
          files.release(open)
        }
      },
    }
  }
}

/** Lets so many bytes a second pass. */
class Pace {
  readonly #clock: Clock
  readonly #bytesPerMs: number
  readonly #signal: AbortSignal
  #free = 0

  constructor(clock: Clock, bytesPerSecond: number, signal: AbortSignal) {
    this.#clock = clock
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#signal = signal
  }

  async wait(bytes: number): Promise<void> {
    this.#signal.throwIfAborted()
    const now = this.#clock.monotonic()
    const begin = Math.max(now, this.#free)
    this.#free = begin + (this.#bytesPerMs > 0 ? bytes / this.#bytesPerMs : 0)
    if (begin > now) await rest(this.#clock, begin - now, this.#signal)
  }
}

/** Like sleep, but keeps no process alive. */
function rest(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const abort = () => {
      timer.cancel()
      reject(signal.reason)
    }
    const timer = clock.timer(ms, () => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
    signal.addEventListener('abort', abort, { once: true })
  })
}
