import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedClock } from '@odradek/world'
import { CleanerClosed, Pace } from './pace.ts'

const fast = { bytesPerSecond: Number.POSITIVE_INFINITY, isOver: () => false }

test('on a thread of its own it gives way after half a millisecond of work, not before', async () => {
  const clock = new SimulatedClock()
  let times = 0
  const pace = new Pace(clock, { ...fast, giveWay: () => times++ })
  for (let i = 0; i < 10; i++) pace.rest()
  assert.equal(times, 0)
  for (let i = 1; i <= 4; i++) {
    await clock.advance(0.5)
    pace.rest()
    pace.rest()
    assert.equal(times, i)
  }
})

test('it hears after a slice that it is over, also when it need not slow down', async () => {
  const clock = new SimulatedClock()
  let isOver = false
  const pace = new Pace(clock, { ...fast, isOver: () => isOver, giveWay: () => undefined })
  await pace.moved(1000)
  clock.soon(() => {
    isOver = true
  })
  await assert.rejects(clock.finish(pace.moved(256 * 1024)), CleanerClosed)
})
