/** From timestamps and leader epochs to offsets. */
import assert from 'node:assert/strict'
import { batchOf, topicOf } from '../testing/batches.ts'
import type { ContractTests } from './bench.ts'

export const timesAndEpochs: ContractTests = {
  'a timestamp leads to the first record that is not older': async bench => {
    await bench.open(topicOf({ segmentBytes: 400, indexIntervalBytes: 50 }))
    for (let i = 0; i < 20; i++) await bench.append([batchOf({ values: ['a', 'b', 'c'], timestamp: 1000 + i * 10 })])
    const ask = async (timestamp: number | 'max') =>
      (await bench.settle(bench.engine.offsetForTime([{ partition: 1, timestamp }])))[0]
    assert.deepEqual(await ask(0), { offset: 0, timestamp: 1000, leaderEpoch: 0 })
    assert.deepEqual(await ask(1001), { offset: 1, timestamp: 1001, leaderEpoch: 0 })
    assert.deepEqual(await ask(1103), { offset: 33, timestamp: 1110, leaderEpoch: 0 })
    assert.deepEqual(await ask(1192), { offset: 59, timestamp: 1192, leaderEpoch: 0 })
    assert.deepEqual(await ask(1193), { offset: -1, timestamp: -1, leaderEpoch: -1 })
    await bench.append([batchOf({ timestamp: 1100 })])
    assert.deepEqual(await ask('max'), { offset: 59, timestamp: 1192, leaderEpoch: 0 })
  },

  'an empty log has no time': async bench => {
    await bench.open()
    const answers = await bench.settle(
      bench.engine.offsetForTime([
        { partition: 1, timestamp: 0 },
        { partition: 1, timestamp: 'max' },
      ]),
    )
    for (const answer of answers) assert.deepEqual(answer, { offset: -1, timestamp: -1, leaderEpoch: -1 })
  },

  'each start is a new leader epoch, and the end of every earlier one is known': async bench => {
    await bench.open()
    await bench.append([batchOf({ values: ['a', 'b'] })])
    await bench.restart({ drain: true })
    await bench.restart({ drain: false })
    await bench.append([batchOf()])
    const queries = [0, 1, 2, 3].map(epoch => ({ partition: 1, epoch }))
    assert.deepEqual(await bench.settle(bench.engine.offsetForEpoch(queries)), [
      { epoch: 0, endOffset: 2 },
      { epoch: 0, endOffset: 2 },
      { epoch: 2, endOffset: 3 },
      { epoch: -1, endOffset: -1 },
    ])
    const [state] = await bench.settle(bench.engine.state([1]))
    assert.equal(state!.leaderEpoch, 2)
  },
}
