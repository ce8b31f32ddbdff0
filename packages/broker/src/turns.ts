/**
 * Whose turn it is to go first, so that none starves behind a busy one. Each broker counts for itself: two of them in one process do
 * not disturb each other, and a simulation replays.
 */
export class Turns {
  #taken = 0

  /** How many of `length` places this turn begins after the first; the next turn begins one further. */
  next(length: number): number {
    return this.#taken++ % length
  }
}
