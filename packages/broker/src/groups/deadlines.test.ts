import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '@odradek/world'
import { Deadlines } from './deadlines.ts'

/** A clock under the hand of the test: time can stand still for the process while it passes outside. */
class HandClock implements Clock {
  time = 0
  readonly timers = new Set<{ at: number; fire: () => void }>()
  readonly afterInput: (() => void)[] = []

  now(): number {
    return this.time
  }
  monotonic(): number {
    return this.time
  }
  timer(ms: number, fire: () => void): { cancel(): void } {
    const timer = { at: this.time + ms, fire }
    this.timers.add(timer)
    return { cancel: () => void this.timers.delete(timer) }
  }
  soon(run: () => void): void {
    this.afterInput.push(run)
  }

  /** The process runs at this time: timers that are due, then what sockets hold, then what was to come after it. */
  run(time: number, input: () => void = () => {}): void {
    this.time = time
    for (const timer of [...this.timers]) {
      if (timer.at > time) continue
      this.timers.delete(timer)
      timer.fire()
    }
    input()
    for (const run of this.afterInput.splice(0)) run()
  }
}

function watched(): { clock: HandClock; deadlines: Deadlines; passed: string[] } {
  const clock = new HandClock()
  const passed: string[] = []
  return { clock, passed, deadlines: new Deadlines(clock, (group, name) => passed.push(`${group} ${name}`)) }
}

test('a deadline passes at its time, unless it was moved or taken back', () => {
  const { clock, deadlines, passed } = watched()
  deadlines.set('g', 'session:a', 100)
  deadlines.set('g', 'session:b', 100)
  deadlines.set('h', 'join', 50)
  clock.run(50)
  assert.deepEqual(passed, ['h join'])
  deadlines.set('g', 'session:a', 100)
  deadlines.cancel('g', 'session:b')
  clock.run(100)
  clock.run(150)
  assert.deepEqual(passed, ['h join', 'g session:a'])
  assert.equal(clock.timers.size, 0)
})

test('a heartbeat that has arrived saves its member, although the timer fires before it is read', () => {
  const { clock, deadlines, passed } = watched()
  deadlines.set('g', 'session:a', 100)
  clock.run(130, () => deadlines.set('g', 'session:a', 100))
  assert.deepEqual(passed, [])
  clock.run(230)
  assert.deepEqual(passed, ['g session:a'])
})

test('members are not held to time in which this process stood still', () => {
  const { clock, deadlines, passed } = watched()
  deadlines.set('g', 'session:alive', 10_000)
  deadlines.set('g', 'session:gone', 10_000)
  deadlines.set('g', 'join', 30_000)
  clock.run(3_000, () => deadlines.set('g', 'session:alive', 10_000))
  clock.run(63_000)
  assert.deepEqual(passed, [], 'nobody is out before the backlog is read')
  clock.run(63_200, () => deadlines.set('g', 'session:alive', 10_000))
  clock.run(73_000)
  assert.deepEqual(passed, ['g session:gone'])
})

test('one deadline that passes may take back another of the same moment', () => {
  const clock = new HandClock()
  const passed: string[] = []
  const deadlines: Deadlines = new Deadlines(clock, (group, name) => {
    passed.push(name)
    deadlines.cancel(group, 'session:b')
  })
  deadlines.set('g', 'session:a', 10)
  deadlines.set('g', 'session:b', 10)
  clock.run(10)
  assert.deepEqual(passed, ['session:a'])
})

test('nothing passes after closing', () => {
  const { clock, deadlines, passed } = watched()
  deadlines.set('g', 'join', 10)
  deadlines.close()
  deadlines.set('g', 'sync', 10)
  clock.run(20)
  assert.deepEqual(passed, [])
  assert.equal(clock.timers.size, 0)
})
