/** Trimming and dropping. */
import assert from 'node:assert/strict'
import { batchOf, topicOf, valuesOf } from '../testing/batches.ts'
import { type ContractTests, errorOf, offsets } from './bench.ts'

export const shrinking: ContractTests = {
  'trimming raises the log start, for good': async bench => {
    await bench.open()
    await bench.append([batchOf({ values: ['a', 'b'] }), batchOf({ values: ['c', 'd'] })])
    const trim = async (before: number) => (await bench.settle(bench.engine.trim([{ partition: 1, before }])))[0]
    assert.deepEqual(await trim(1), { ok: true, logStartOffset: 1 })
    assert.deepEqual(await trim(0), { ok: true, logStartOffset: 1 })
    assert.equal(errorOf(await trim(5)), 'OFFSET_OUT_OF_RANGE')
    assert.equal(errorOf(await bench.read(0)), 'OFFSET_OUT_OF_RANGE')
    assert.deepEqual(valuesOf(await bench.read(1), 1), ['b', 'c', 'd'])
    await bench.restart({ drain: false })
    assert.equal(errorOf(await bench.read(0)), 'OFFSET_OUT_OF_RANGE')
    assert.deepEqual(await trim(-1), { ok: true, logStartOffset: 4 })
    assert.deepEqual(offsets(await bench.append([batchOf()])), [4])
    await bench.restart({ drain: true })
    const [state] = await bench.settle(bench.engine.state([1]))
    assert.equal(state!.logStartOffset, 4)
    assert.equal(state!.highWatermark, 5)
  },

  'a dropped topic is gone, and one made anew under its name is empty': async bench => {
    await bench.open()
    await bench.append([batchOf()])
    await bench.settle(bench.engine.drop(topicOf().topicId))
    assert.deepEqual(await bench.settle(bench.engine.state([1, 2])), [null, null])
    assert.deepEqual(offsets(await bench.append([batchOf()])), ['UNKNOWN_TOPIC_OR_PARTITION'])
    await bench.open(topicOf({}, '7c1d2f6a-55e0-4f0b-9a63-0d6f9f1e2b02'))
    assert.deepEqual(offsets(await bench.append([batchOf()])), [0])
  },

  'a topic whose deletion was cut short is dropped without having been opened': async bench => {
    await bench.open()
    await bench.append([batchOf()])
    await bench.settle(bench.engine.close({ drain: false }))
    await bench.restart({ drain: false })
    await bench.settle(bench.engine.drop(topicOf().topicId))
    await bench.open()
    assert.equal((await bench.settle(bench.engine.state([1])))[0]!.highWatermark, 0)
  },
}
