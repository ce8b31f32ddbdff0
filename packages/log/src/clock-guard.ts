/**
 * Keeps a wall clock that jumped from deleting data. Between two looks, wall time and monotonic time must pass alike; when they differ
 * by more than an hour, nothing expires by time for the next hour, in which somebody can set the clock right again.
 *
 * Across a restart only the wall time believed last is known: what it was before a jump, and went on from there, until the hour is over.
 * A long pause looks like a jump then, and costs an hour of patience.
 */
import type { Checkpoint } from './folder/checkpoint.ts'

const jumpMs = 60 * 60 * 1000
const patienceMs = 60 * 60 * 1000

export class ClockGuard {
  #wall: number
  #monotonic: number
  #trustedFrom: number
  /** The wall time last trusted, and when that was. */
  #believed: { wall: number; monotonic: number }

  /** `lastWall`: believed before the restart; -1 when there is none. */
  constructor(lastWall: number, wall: number, monotonic: number) {
    this.#wall = wall
    this.#monotonic = monotonic
    const hasJumped = lastWall >= 0 && Math.abs(wall - lastWall) > jumpMs
    this.#trustedFrom = hasJumped ? monotonic + patienceMs : monotonic
    this.#believed = { wall: hasJumped ? lastWall : wall, monotonic }
  }

  /** Whether data may expire by the wall time seen now. */
  look(wall: number, monotonic: number): boolean {
    const drift = wall - this.#wall - (monotonic - this.#monotonic)
    if (Math.abs(drift) > jumpMs) this.#trustedFrom = monotonic + patienceMs
    this.#wall = wall
    this.#monotonic = monotonic
    const isTrusted = monotonic >= this.#trustedFrom
    if (isTrusted) this.#believed = { wall, monotonic }
    return isTrusted
  }

  /** The wall time as it would be without a jump that is not trusted yet: what the next start is to compare with. */
  believed(monotonic: number): number {
    return Math.floor(this.#believed.wall + monotonic - this.#believed.monotonic)
  }
}

/** From its first start on a folder has a wall time to compare with, should the clock jump before retention has looked at it once. */
export async function noteFirstTime(checkpoint: Checkpoint, now: number): Promise<void> {
  if (checkpoint.lastWallTime >= 0) return
  try {
    checkpoint.lastWallTime = now
    await checkpoint.sync()
  } catch {
    // A full disk: retention will note it.
  }
}
