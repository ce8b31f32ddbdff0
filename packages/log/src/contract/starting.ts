/** Stopping and starting again. */
import assert from 'node:assert/strict'
import { batchOf, topicOf, valuesOf } from '../testing/batches.ts'
import { type ContractTests, errorOf, offsets } from './bench.ts'

export const starting: ContractTests = {
  'everything acknowledged is there after a restart of either kind': async bench => {
    await bench.open(topicOf({ segmentBytes: 400 }))
    const values: string[] = []
    for (const drain of [true, false, false, true, true]) {
      for (let i = 0; i < 8; i++) {
        values.push(`${drain} ${values.length}`)
        await bench.append([batchOf({ values: values.slice(-1) })])
      }
      await bench.restart({ drain })
      const seen: string[] = []
      while (seen.length < values.length) seen.push(...valuesOf(await bench.read(seen.length), seen.length))
      assert.deepEqual(seen, values)
    }
  },

  'opening again adds partitions and leaves those that are there as they are': async bench => {
    await bench.open()
    await bench.append([batchOf()])
    await bench.open({ ...topicOf(), partitions: [...topicOf().partitions, { index: 2, id: 3 }] })
    assert.deepEqual(offsets(await bench.append([batchOf(), batchOf({ partition: 3 })])), [1, 0])
  },

  'after closing, everything is refused and nothing hangs': async bench => {
    await bench.open()
    await bench.settle(bench.engine.close({ drain: true }))
    assert.deepEqual(offsets(await bench.append([batchOf()])), ['KAFKA_STORAGE_ERROR'])
    assert.equal(errorOf(await bench.read(0)), 'KAFKA_STORAGE_ERROR')
  },
}
