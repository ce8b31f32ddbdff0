/**
 * How many records to hold at once. A record that waits its turn is locked, and every time its lock passes counts as a delivery: so few
 * are held at first, twice as many whenever the stock has been used up quickly, half as many when records had to wait long.
 */
const firstAppetite = 16
/** Shares of the time for which records are locked. */
const quickly = 1 / 32
const long = 1 / 6

export class Appetite {
  readonly #least: number
  readonly #most: number
  #now: number

  constructor(least: number, most: number) {
    this.#least = Math.min(least, most)
    this.#most = most
    this.#now = Math.min(most, Math.max(least, firstAppetite))
  }

  /** Records to hold at most. */
  get size(): number {
    return this.#now
  }

  /** The last record of a fetch was handed out after `waitedMs`, of the `lockMs` for which it is locked. */
  waited(waitedMs: number, lockMs: number): void {
    if (waitedMs <= lockMs * quickly) this.#now = Math.min(this.#most, this.#now * 2)
    else if (waitedMs >= lockMs * long) this.#now = Math.max(this.#least, Math.ceil(this.#now / 2))
  }

  /** Fetches are worth their while: not for every record that is done, one record. */
  wants(held: number): number {
    const room = this.#now - held
    return room * 2 >= this.#now ? room : 0
  }
}
