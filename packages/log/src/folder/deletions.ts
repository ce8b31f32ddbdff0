/** Files and folders that were put aside and go for good a while later (file.delete.delay.ms). One timer, for the earliest. */
import type { Clock, Disk, Timer } from '@odradek/world'

export class Deletions {
  readonly #clock: Clock
  readonly #disk: Disk
  #due: { path: string; at: number }[] = []
  #timer: Timer | undefined

  constructor(clock: Clock, disk: Disk) {
    this.#clock = clock
    this.#disk = disk
  }

  later(path: string, delayMs: number): void {
    this.#due.push({ path, at: this.#clock.monotonic() + delayMs })
    this.#arm()
  }

  /** Removes what waits, due or not. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    await this.#remove(Number.POSITIVE_INFINITY)
  }

  #arm(): void {
    this.#timer?.cancel()
    if (this.#due.length === 0) return
    const earliest = Math.min(...this.#due.map(due => due.at))
    this.#timer = this.#clock.timer(Math.max(0, earliest - this.#clock.monotonic()), () => {
      void this.#remove(this.#clock.monotonic()).then(() => this.#arm())
    })
  }

  /** What cannot be removed now is found again at the next start. */
  async #remove(until: number): Promise<void> {
    const due = this.#due.filter(({ at }) => at <= until)
    this.#due = this.#due.filter(({ at }) => at > until)
    for (const { path } of due) await this.#disk.remove(path).catch(() => undefined)
  }
}
