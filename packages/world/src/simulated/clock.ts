/**
 * Time that moves only when it is told to, from one due timer to the next. Before each step every promise that can settle settles, so
 * a run of one seed is the same run each time, as long as nothing in it waits for the real world.
 *
 *     settle promises ─▶ fire the soonest timer ─▶ settle promises ─▶ …
 */
import assert from 'node:assert/strict'
import type { Clock, Timer } from '../clock.ts'
import { microtasksSettled } from '../real/clock.ts'
import { TimerHeap } from './timer-heap.ts'

/** 2020-01-01: far from zero and from today, so that a mix-up of clocks shows. */
const firstMorning = 1_577_836_800_000

export class SimulatedClock implements Clock {
  readonly #due = new TimerHeap()
  #elapsed = 0
  #wallAtStart = firstMorning
  #driven = false

  now(): number {
    return Math.floor(this.#wallAtStart + this.#elapsed)
  }

  monotonic(): number {
    return this.#elapsed
  }

  timer(ms: number, fire: () => void): Timer {
    const due = this.#due.add(this.#elapsed + Math.max(0, ms), fire)
    return {
      cancel: () => {
        due.cancelled = true
      },
    }
  }

  soon(run: () => void): void {
    this.#due.add(this.#elapsed, run)
  }

  /** The wall clock jumps by `ms`, either way. Timers do not notice. */
  jump(ms: number): void {
    this.#wallAtStart += ms
  }

  /** Lets `ms` pass. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms
    await this.#drive(() => false, end)
    this.#elapsed = end
  }

  /** Lets time pass until `isTrue`; fails when nothing is left that could make it true, or after `withinMs`. */
  async runUntil(isTrue: () => boolean, { withinMs = 3_600_000 }: { withinMs?: number } = {}): Promise<void> {
    const end = this.#elapsed + withinMs
    if (await this.#drive(isTrue, end)) return
    throw new Error(
      this.#due.peek() === undefined
        ? `nothing is left to happen at ${this.#elapsed} ms of simulated time, and the condition does not hold`
        : `the condition does not hold after ${withinMs} ms of simulated time`,
    )
  }

  /** Lets time pass until the promise has settled, and gives what it settled to. */
  async finish<T>(promise: Promise<T>, options: { withinMs?: number } = {}): Promise<T> {
    let settled = false
    const mark = () => {
      settled = true
    }
    promise.then(mark, mark)
    await this.runUntil(() => settled, options)
    return promise
  }

  /** Fires what is due up to `end`, until `isTrue`; says whether it was. */
  async #drive(isTrue: () => boolean, end: number): Promise<boolean> {
    assert(!this.#driven, 'simulated time is driven from one place at a time')
    this.#driven = true
    try {
      for (;;) {
        await microtasksSettled()
        if (isTrue()) return true
        const next = this.#due.peek()
        if (next === undefined || next.at > end) return false
        this.#due.pop()
        this.#elapsed = Math.max(this.#elapsed, next.at)
        next.fire()
      }
    } finally {
      this.#driven = false
    }
  }
}

export interface LifeView {
  /** False once the machine has crashed: what it had set to fire never fires. */
  isAlive(): boolean
  /** Lets the program know, now or when it is no longer paused. */
  timerDue(act: () => void): void
  /** How far its wall clock is off. */
  wallOffsetMs(): number
}

/** The clock as one life of a machine sees it. */
export function clockOfLife(clock: Clock, life: LifeView): Clock {
  const timer = (ms: number, fire: () => void): Timer => {
    let isCancelled = false
    const due = clock.timer(ms, () => {
      life.timerDue(() => {
        if (life.isAlive() && !isCancelled) fire()
      })
    })
    return {
      cancel: () => {
        isCancelled = true
        due.cancel()
      },
    }
  }
  return {
    now: () => clock.now() + life.wallOffsetMs(),
    monotonic: () => clock.monotonic(),
    timer,
    soon: run => {
      timer(0, run)
    },
  }
}

/** The clock of a machine's devices: what they complete reaches the program when it runs. */
export function clockOfDevices(clock: Clock, happened: (act: () => void) => void): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    timer: (ms, fire) => clock.timer(ms, () => happened(fire)),
    soon: run => clock.soon(() => happened(run)),
  }
}
