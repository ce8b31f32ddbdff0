import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sleep } from '../clock.ts'
import { SimulatedClock } from './clock.ts'

test('timers fire in the order of their time, then of their making, and see the time they asked for', async () => {
  const clock = new SimulatedClock()
  const fired: string[] = []
  for (const [name, ms] of [
    ['c', 30],
    ['a', 10],
    ['b', 10],
    ['d', 1e12],
    ['never', 20],
  ] as const) {
    const timer = clock.timer(ms, () => fired.push(`${name}@${clock.monotonic()}`))
    if (name === 'never') timer.cancel()
  }
  clock.soon(() => clock.soon(() => fired.push(`soon@${clock.monotonic()}`)))
  await clock.advance(29)
  assert.deepEqual(fired, ['soon@0', 'a@10', 'b@10'])
  assert.equal(clock.monotonic(), 29)
  await clock.advance(1e12)
  assert.deepEqual(fired.slice(3), ['c@30', 'd@1000000000000'])
})

test('promises settle between timers, however long their chains', async () => {
  const clock = new SimulatedClock()
  const order: string[] = []
  clock.timer(1, async () => {
    for (let i = 0; i < 1_000; i++) await null
    order.push('chain')
  })
  clock.timer(1, () => order.push('next'))
  await clock.advance(1)
  assert.deepEqual(order, ['chain', 'next'])
})

test('a condition is waited for as long as something can still happen', async () => {
  const clock = new SimulatedClock()
  let ticks = 0
  const tick = () => {
    ticks++
    clock.timer(1_000, tick)
  }
  tick()
  await clock.runUntil(() => ticks === 5)
  assert.equal(clock.monotonic(), 4_000)
  await assert.rejects(
    clock.runUntil(() => false, { withinMs: 10_000 }),
    /does not hold after 10000 ms/,
  )
  await assert.rejects(
    new SimulatedClock().runUntil(() => false),
    /nothing is left to happen/,
  )
})

test('a promise is driven to its end, and its failure is the caller’s', async () => {
  const clock = new SimulatedClock()
  const slow = sleep(clock, 5_000).then(() => 'done')
  assert.equal(await clock.finish(slow), 'done')
  const failing = sleep(clock, 5_000).then(() => {
    throw new Error('no')
  })
  await assert.rejects(clock.finish(failing), /^Error: no$/)
})

test('the wall clock may jump without a timer noticing', async () => {
  const clock = new SimulatedClock()
  const before = clock.now()
  let fired = false
  clock.timer(100, () => {
    fired = true
  })
  clock.jump(-3_600_000)
  await clock.advance(99)
  assert.equal(fired, false)
  assert.equal(clock.now(), before - 3_600_000 + 99)
})

test('sleep is cut short by its signal', async () => {
  const clock = new SimulatedClock()
  const controller = new AbortController()
  const sleeping = sleep(clock, 5_000, controller.signal)
  controller.abort(new Error('wake up'))
  await assert.rejects(sleeping, /wake up/)
  await assert.rejects(sleep(clock, 1, controller.signal), /wake up/)
})
