import type { WriteStream } from 'node:tty'

/** A block of lines drawn over itself on a terminal. Elsewhere it draws nothing: a log file wants lines, not frames. */
export class Screen {
  readonly #out: WriteStream
  #drawn = 0

  constructor(out: WriteStream) {
    this.#out = out
  }

  get isLive(): boolean {
    return this.#out.isTTY === true
  }

  get width(): number {
    return this.#out.columns ?? 80
  }

  get colour(): boolean {
    return this.isLive && !process.env.NO_COLOR
  }

  /** Replaces what was drawn last. */
  draw(lines: readonly string[]): void {
    if (!this.isLive) return
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : ''
    this.#out.write(`${up}${lines.map(line => `\x1b[2K${line}\n`).join('')}\x1b[J`)
    this.#drawn = lines.length
  }

  /** Leaves what is drawn where it is and goes on below it. */
  settle(): void {
    this.#drawn = 0
  }

  print(text: string): void {
    this.#out.write(text)
  }
}
