import type { Clock } from '@odradek/world'
import { DeadlineTimer } from '../deadline-timer.ts'

/** The deadlines of all groups, by group and name, on one timer. */
export class Deadlines<Name extends string = string> {
  readonly #clock: Clock
  readonly #passed: (groupId: string, name: Name) => void
  readonly #groups = new Map<string, Map<Name, number>>()
  readonly #timer: DeadlineTimer

  constructor(clock: Clock, passed: (groupId: string, name: Name) => void) {
    this.#clock = clock
    this.#passed = passed
    this.#timer = new DeadlineTimer(clock, {
      earliest: () => this.#earliest(),
      expire: () => this.#expire(),
      postpone: ms => this.#postpone(ms),
    })
  }

  set(groupId: string, name: Name, inMs: number): void {
    const at = this.#clock.monotonic() + inMs
    let group = this.#groups.get(groupId)
    if (!group) this.#groups.set(groupId, (group = new Map()))
    group.set(name, at)
    this.#timer.announce(at)
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
    this.#groups.clear()
    this.#timer.close()
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
  }

  #postpone(ms: number): void {
    for (const group of this.#groups.values()) for (const [name, at] of group) group.set(name, at + ms)
  }

  #earliest(): number {
    let earliest = Infinity
    for (const group of this.#groups.values()) for (const at of group.values()) earliest = Math.min(earliest, at)
    return earliest
  }
}
