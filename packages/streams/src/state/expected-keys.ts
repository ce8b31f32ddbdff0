/** Batches of records. */
const patience = 16
const samplesOf = 16

/**
 * Finds out whether a store is asked for the keys of the records that come to its task, as those of a table, of a count by key, or of a
 * join are: some keys are remembered, and it is when one of them is asked for before long.
 */
export class ExpectedKeys {
  readonly #samples = new Set<string>()
  #batches = 0
  #areRecordKeys = false

  /** Records with these keys have come. True: the store is likely to be asked for them. */
  come(texts: readonly string[]): boolean {
    if (this.#batches++ % patience === 0) {
      if (this.#samples.size > 0) this.#areRecordKeys = false
      this.#samples.clear()
      const step = Math.ceil(texts.length / samplesOf)
      for (let i = 0; i < texts.length; i += step) this.#samples.add(texts[i]!)
    }
    return this.#areRecordKeys
  }

  asked(text: string): void {
    if (this.#samples.size === 0 || !this.#samples.has(text)) return
    this.#areRecordKeys = true
    this.#samples.clear()
  }
}
