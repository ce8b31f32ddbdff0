import type { Clock, Timer } from '@odradek/world'

/** Longer than any scheduling delay, shorter than any session. */
const pauseMs = 1_000

/**
 * The deadlines of all groups, on one timer of the monotonic clock.
 *
 * Members are not held to time in which this process did not run: when the timer comes late by more than a second (the process was
 * stopped, the machine slept), every deadline moves by as much. And when it comes on time, what has arrived meanwhile is read first:
 * a heartbeat that waits in a socket saves its member.
 */
export class Deadlines<Name extends string = string> {
  readonly #clock: Clock
  readonly #passed: (groupId: string, name: Name) => void
  readonly #groups = new Map<string, Map<Name, number>>()
  #timer: Timer | null = null
  #timerAt = Infinity
  #closed = false

  constructor(clock: Clock, passed: (groupId: string, name: Name) => void) {
    this.#clock = clock
    this.#passed = passed
  }

  set(groupId: string, name: Name, inMs: number): void {
    const at = this.#clock.monotonic() + inMs
    let group = this.#groups.get(groupId)
    if (!group) this.#groups.set(groupId, (group = new Map()))
    group.set(name, at)
    this.#arm(at)
  }

  has(groupId: string, name: Name): boolean {
    return this.#groups.get(groupId)?.has(name) === true
  }

  cancel(groupId: string, name: Name): void {
    const group = this.#groups.get(groupId)
    group?.delete(name)
    if (group?.size === 0) this.#groups.delete(groupId)
  }

  close(): void {
    this.#closed = true
    this.#groups.clear()
    this.#timer?.cancel()
  }

  #arm(at: number): void {
    if (at >= this.#timerAt || this.#closed) return
    this.#timer?.cancel()
    this.#timerAt = at
    this.#timer = this.#clock.timer(Math.max(at - this.#clock.monotonic(), 0), () => this.#fired())
  }

  #fired(): void {
    const late = this.#clock.monotonic() - this.#timerAt
    this.#timer = null
    this.#timerAt = Infinity
    if (late <= pauseMs) this.#clock.soon(() => this.#expire())
    else {
      for (const group of this.#groups.values()) for (const [name, at] of group) group.set(name, at + late)
      this.#armEarliest()
    }
  }

  #expire(): void {
    const now = this.#clock.monotonic()
    const due: [string, Name][] = []
    for (const [groupId, group] of this.#groups)
      for (const [name, at] of group) if (at <= now) due.push([groupId, name])
    for (const [groupId, name] of due) {
      // An earlier one of this round may have moved it or taken it back.
      const at = this.#groups.get(groupId)?.get(name)
      if (at === undefined || at > now) continue
      this.cancel(groupId, name)
      this.#passed(groupId, name)
    }
    this.#armEarliest()
  }

  #armEarliest(): void {
    let earliest = Infinity
    for (const group of this.#groups.values()) for (const at of group.values()) earliest = Math.min(earliest, at)
    if (earliest < Infinity) this.#arm(earliest)
  }
}
