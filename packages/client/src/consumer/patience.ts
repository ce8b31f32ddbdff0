/**
 * How long trouble may last. Each source of trouble (the group, a broker, a partition) has its own clock, which starts with the first
 * failure and stops with the next success: a broker that always fails is not excused by another that works.
 */
export class Patience {
  readonly #limitMs: number
  readonly #since = new Map<string, number>()

  constructor(limitMs: number) {
    this.#limitMs = limitMs
  }

  /** True when the source has failed for longer than is to be borne. */
  failed(source: string, now: number): boolean {
    const since = this.#since.get(source)
    if (since === undefined) this.#since.set(source, now)
    return since !== undefined && now - since >= this.#limitMs
  }

  succeeded(source: string): void {
    this.#since.delete(source)
  }
}
