/** Waiting for growth. */
import assert from 'node:assert/strict'
import { batchOf, topicOf } from '../testing/batches.ts'
import { type ContractTests, never } from './bench.ts'

export const growing: ContractTests = {
  'whoever waits for growth wakes when a record becomes visible, whatever its acks': async bench => {
    await bench.open()
    for (const acks of [0, 1, -1] as const) {
      const [state] = await bench.settle(bench.engine.state([1]))
      const woken = bench.engine.onGrowth([2, 1], [0, state!.highWatermark], never)
      await bench.append([batchOf()], acks)
      await bench.settle(woken)
      const [grown] = await bench.settle(bench.engine.state([1]))
      assert.equal(grown!.highWatermark, state!.highWatermark + 1)
    }
  },

  'waiting for growth that has already happened, or for an unknown partition, ends at once': async bench => {
    await bench.open()
    await bench.append([batchOf()])
    await bench.settle(bench.engine.onGrowth([1], [0], never))
    await bench.settle(bench.engine.onGrowth([99], [0], never))
    await bench.settle(bench.engine.onGrowth([1], [1], AbortSignal.abort()))
  },

  'whoever waits for growth wakes when the log is trimmed or dropped, and when told to stop': async bench => {
    await bench.open()
    await bench.append([batchOf(), batchOf()])
    const trimmed = bench.engine.onGrowth([1], [2], never)
    await bench.settle(bench.engine.trim([{ partition: 1, before: 1 }]))
    await bench.settle(trimmed)
    const stop = new AbortController()
    const stopped = bench.engine.onGrowth([1], [2], stop.signal)
    stop.abort()
    await bench.settle(stopped)
    const dropped = bench.engine.onGrowth([1], [2], never)
    await bench.settle(bench.engine.drop(topicOf().topicId))
    await bench.settle(dropped)
  },
}
