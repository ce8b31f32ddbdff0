/** Files and folders that were put aside and go for good a while later (file.delete.delay.ms). One timer, for the earliest. */
import type { Clock, Disk, Timer } from '@odradek/world'

export class Deletions {
  readonly #clock: Clock
  readonly #disk: Disk
  #due: { path: string; at: number }[] = []
  #timer: Timer | undefined
  #armedFor = Number.POSITIVE_INFINITY

  constructor(clock: Clock, disk: Disk) {
    this.#clock = clock
    this.#disk = disk
  }

  later(path: string, delayMs: number): void {
    const at = this.#clock.monotonic() + delayMs
    this.#due.push({ path, at })
    this.#arm(at)
  }

  /** Removes what waits, due or not. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    this.#armedFor = Number.NEGATIVE_INFINITY
    await this.#remove(Number.POSITIVE_INFINITY)
  }

  #arm(at: number): void {
    if (at >= this.#armedFor) return
    this.#timer?.cancel()
    this.#armedFor = at
    this.#timer = this.#clock.timer(Math.max(0, at - this.#clock.monotonic()), () => void this.#fire())
  }

  async #fire(): Promise<void> {
    this.#armedFor = Number.POSITIVE_INFINITY
    await this.#remove(this.#clock.monotonic())
    let earliest = Number.POSITIVE_INFINITY
    for (const { at } of this.#due) earliest = Math.min(earliest, at)
    this.#arm(earliest)
  }

  /** What cannot be removed now is found again at the next start. */
  async #remove(until: number): Promise<void> {
    const due = this.#due.filter(({ at }) => at <= until)
    this.#due = this.#due.filter(({ at }) => at > until)
    for (const { path } of due) await this.#disk.remove(path).catch(() => undefined)
  }
}
