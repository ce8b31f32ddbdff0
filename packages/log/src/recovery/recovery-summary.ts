/**
 * One line about all logs that had to be looked through, when the last of those that are being opened is open: a start opens ten
 * thousand. What was cut off or is damaged is said of each for itself, by whoever finds it.
 */
import type { Clock } from '@odradek/world'
import type { LogLogger } from '../log-services.ts'
import type { RecoveredLog } from './partition-recovery.ts'

const nothing = { partitions: 0, bytesScanned: 0, bytesCut: 0 }

export class RecoverySummary {
  readonly #clock: Clock
  readonly #logger: LogLogger
  #sum = { ...nothing }
  #underway = 0
  #since = 0

  constructor(clock: Clock, logger: LogLogger) {
    this.#clock = clock
    this.#logger = logger
  }

  note({ bytesScanned, bytesCut }: Pick<RecoveredLog, 'bytesScanned' | 'bytesCut'>): void {
    if (bytesScanned === 0 && bytesCut === 0) return
    this.#sum.partitions++
    this.#sum.bytesScanned += bytesScanned
    this.#sum.bytesCut += bytesCut
  }

  async during(opening: () => Promise<void>): Promise<void> {
    if (this.#underway++ === 0) this.#since = this.#clock.monotonic()
    try {
      await opening()
    } finally {
      if (--this.#underway === 0) this.#say()
    }
  }

  #say(): void {
    const sum = this.#sum
    if (sum.partitions === 0) return
    this.#sum = { ...nothing }
    this.#logger.info({ ...sum, ms: Math.round(this.#clock.monotonic() - this.#since) }, 'recovered logs')
  }
}
