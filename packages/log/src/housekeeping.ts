/** What an engine does now and then: lets old segments go, and notes the time and the ends of the logs durably. */
import type { Timer } from '@odradek/world'
import type { ClockGuard } from './clock-guard.ts'
import type { LogServices } from './log-services.ts'
import type { PartitionLog } from './partition/partition-log.ts'

export class Housekeeping {
  readonly #services: LogServices
  readonly #guard: ClockGuard
  readonly #logs: () => Iterable<PartitionLog>
  readonly #everyMs: number
  #timer: Timer | undefined
  #isStopped = false

  constructor(services: LogServices, guard: ClockGuard, logs: () => Iterable<PartitionLog>, everyMs: number) {
    this.#services = services
    this.#guard = guard
    this.#logs = logs
    this.#everyMs = everyMs
    this.#schedule()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  #schedule(): void {
    this.#timer = this.#services.clock.timer(this.#everyMs, () => {
      void this.#keepHouse().finally(() => {
        if (!this.#isStopped) this.#schedule()
      })
    })
  }

  async #keepHouse(): Promise<void> {
    const { clock, checkpoint, logger } = this.#services
    const byTime = this.#guard.look(clock.now(), clock.monotonic())
    for (const log of this.#logs()) {
      await log.expire(byTime).catch(error => {
        const fields = { folder: log.folder, error: (error as Error).message }
        logger.error(fields, 'cannot let old segments of a log go')
      })
    }
    try {
      checkpoint.lastWallTime = this.#guard.believed(clock.monotonic())
      await checkpoint.sync()
    } catch (error) {
      logger.error(
        { error: (error as Error).message },
        'cannot write the checkpoint; the next start after a crash will look at more',
      )
    }
  }
}
