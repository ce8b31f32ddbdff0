/** How far a long look has come, on stderr where that is a terminal; and how fast it was. */
import { realClock } from '@odradek/world'

const everyMs = 500

export class Progress {
  readonly #what: string
  readonly #began = realClock.monotonic()
  #bytes = 0
  #said = 0
  #isShown = false

  constructor(what: string) {
    this.#what = what
  }

  readonly note = (bytes: number): void => {
    this.#bytes += bytes
    const now = realClock.monotonic()
    if (!process.stderr.isTTY || now - this.#began < everyMs || now - this.#said < everyMs) return
    this.#said = now
    this.#isShown = true
    process.stderr.write(`\r\x1b[2K${this.#what}: ${this.text}`)
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isShown) process.stderr.write('\r\x1b[2K')
  }

  /** `1.2 GB in 1.3 s (920 MB/s)` */
  get text(): string {
    const seconds = Math.max(0.001, (realClock.monotonic() - this.#began) / 1000)
    return `${bytesText(this.#bytes)} in ${seconds.toFixed(1)} s (${Math.round(this.#bytes / seconds / 1e6)} MB/s)`
  }
}

export function bytesText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  return power === 0 ? `${bytes} bytes` : `${(bytes / 1000 ** power).toFixed(1)} ${units[power]}`
}
