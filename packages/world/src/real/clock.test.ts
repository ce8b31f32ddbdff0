import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { realClock } from './clock.ts'

test('a timer longer than 31 bits of milliseconds fires when it should', () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    let fired = 0
    const fortyDays = 40 * 24 * 3_600_000
    realClock.timer(fortyDays, () => fired++)
    const cancelled = realClock.timer(fortyDays, () => fired++)
    const firstLeg = 2 ** 31 - 1
    mock.timers.tick(firstLeg)
    mock.timers.tick(fortyDays - firstLeg - 1)
    assert.equal(fired, 0)
    cancelled.cancel()
    mock.timers.tick(2)
    assert.equal(fired, 1)
  } finally {
    mock.timers.reset()
  }
})

test('a timer never fires before the clock has reached its time', async () => {
  const early: number[] = []
  const timers = Array.from({ length: 200 }, (_, i) => {
    const ms = 1 + i / 20 + 0.9
    const due = realClock.monotonic() + ms
    return new Promise<void>(resolve => {
      const fire = () => {
        if (realClock.monotonic() < due) early.push(due - realClock.monotonic())
        resolve()
      }
      realClock.timer(ms, fire, { keepAlive: true })
    })
  })
  await Promise.all(timers)
  assert.deepEqual(early, [])
})

test('work put off until soon runs after the promises of this turn', async () => {
  const order: string[] = []
  const ran = new Promise<void>(resolve => {
    realClock.soon(() => {
      order.push('soon')
      resolve()
    })
  })
  Promise.resolve().then(() => order.push('promise'))
  await ran
  assert.deepEqual(order, ['promise', 'soon'])
})
