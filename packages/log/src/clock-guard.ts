/**
 * Keeps a wall clock that jumped from deleting data. Between two looks, wall time and monotonic time must pass alike; when they differ
 * by more than an hour, nothing expires by time for the next hour, in which somebody can set the clock right again.
 *
 * Across a restart only the wall time seen last is known. A long pause looks like a jump then, and costs an hour of patience.
 */
const jumpMs = 60 * 60 * 1000
const patienceMs = 60 * 60 * 1000

export class ClockGuard {
  #wall: number
  #monotonic: number
  #trustedFrom: number

  /** `lastWall`: from before the restart; -1 when there is none. */
  constructor(lastWall: number, wall: number, monotonic: number) {
    this.#wall = wall
    this.#monotonic = monotonic
    this.#trustedFrom = lastWall >= 0 && Math.abs(wall - lastWall) > jumpMs ? monotonic + patienceMs : monotonic
  }

  /** Whether data may expire by the wall time seen now. */
  look(wall: number, monotonic: number): boolean {
    const drift = wall - this.#wall - (monotonic - this.#monotonic)
    if (Math.abs(drift) > jumpMs) this.#trustedFrom = monotonic + patienceMs
    this.#wall = wall
    this.#monotonic = monotonic
    return monotonic >= this.#trustedFrom
  }
}
