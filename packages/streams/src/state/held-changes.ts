/** In memory, of all tasks of an instance together: when so much is held back, a commit should come. */
const mostHeld = 64 * 2 ** 20
/** Of a task: a commit that may be put off is, until so much is held back. */
const worthWriting = 16 * 2 ** 20

/** A task's part. */
export interface Holder {
  /** What is not written yet takes about so much memory. */
  readonly held: number
}

/** What tasks hold back of changes until it is written, so that keys which share a page are written together. */
export class HeldChanges {
  readonly #holders = new Set<Holder>()

  add(holder: Holder): void {
    this.#holders.add(holder)
  }

  remove(holder: Holder): void {
    this.#holders.delete(holder)
  }

  get areTooMany(): boolean {
    return this.#all >= mostHeld
  }

  /** When much is held, whoever has more than half of its share writes. Invariant: when too much is held, somebody does. */
  areWorthWriting({ held }: Holder): boolean {
    if (held >= worthWriting) return true
    return held >= mostHeld / this.#holders.size / 2 && this.#all >= mostHeld / 2
  }

  get #all(): number {
    let all = 0
    for (const { held } of this.#holders) all += held
    return all
  }
}
