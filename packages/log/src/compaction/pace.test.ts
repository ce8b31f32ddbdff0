import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedClock } from '@odradek/world'
import { CleanerClosed, Pace } from './pace.ts'
import { Traffic } from './traffic.ts'

const fast = { bytesPerSecond: Number.POSITIVE_INFINITY, isOver: () => false }

test('on a thread of its own it gives way after half a millisecond of work, not before', async () => {
  const clock = new SimulatedClock()
  let times = 0
  const pace = new Pace(clock, { ...fast, manners: { giveWay: () => times++, traffic: new Traffic() } })
  for (let i = 0; i < 10; i++) pace.rest()
  assert.equal(times, 0)
  for (let i = 1; i <= 4; i++) {
    await clock.advance(0.5)
    pace.rest()
    pace.rest()
    assert.equal(times, i)
  }
})

test('beside appends it works and rests by turns, until 50 ms after the last one', async () => {
  const clock = new SimulatedClock()
  const traffic = new Traffic()
  const elsewhere = new Traffic(traffic.shared)
  const pauses: number[] = []
  const pace = new Pace(clock, { ...fast, manners: { giveWay: ms => pauses.push(ms), traffic } })
  const pausesWithin = async (ms: number) => {
    pauses.length = 0
    for (let passed = 0; passed < ms; passed += 0.125) {
      await clock.advance(0.125)
      pace.rest()
    }
    return pauses.splice(0)
  }
  assert.deepEqual(await pausesWithin(10), Array(20).fill(0))
  elsewhere.note()
  assert.deepEqual(await pausesWithin(50), Array(400).fill(0.125))
  elsewhere.note()
  assert.deepEqual(await pausesWithin(50), Array(400).fill(0.125), 'at most 50 ms apart they are one stream')
  assert.deepEqual(await pausesWithin(50), Array(100).fill(0))
})

test('it hears after a slice that it is over, also when it need not slow down', async () => {
  const clock = new SimulatedClock()
  let isOver = false
  const pace = new Pace(clock, { ...fast, isOver: () => isOver })
  await pace.moved(1000)
  clock.soon(() => {
    isOver = true
  })
  await assert.rejects(clock.finish(pace.moved(256 * 1024)), CleanerClosed)
})
