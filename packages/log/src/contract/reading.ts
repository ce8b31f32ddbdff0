/** Reading: whole batches, limits, the ends of the log. */
import assert from 'node:assert/strict'
import { batchOf, recordsOf, topicOf, valuesOf } from '../testing/batches.ts'
import { type ContractTests, errorOf } from './bench.ts'

export const reading: ContractTests = {
  'an offset inside a batch gives the whole batch': async bench => {
    await bench.open()
    await bench.append([batchOf({ values: ['a', 'b', 'c'] }), batchOf({ values: ['d'] })])
    assert.deepEqual(recordsOf(await bench.read(1))[0], { offset: 0, value: 'a' })
    assert.deepEqual(valuesOf(await bench.read(3)), ['d'])
  },

  'the end of the log gives nothing, and what lies beyond is out of range': async bench => {
    await bench.open()
    await bench.append([batchOf({ values: ['a', 'b'] })])
    const atEnd = await bench.read(2)
    assert(atEnd.ok && atEnd.chunks.length === 0 && atEnd.state.highWatermark === 2)
    const beyond = await bench.read(3)
    assert.equal(errorOf(beyond), 'OFFSET_OUT_OF_RANGE')
    assert(!beyond.ok && beyond.state?.highWatermark === 2)
    assert.equal(errorOf(await bench.read(-1)), 'OFFSET_OUT_OF_RANGE')
    assert.equal(errorOf(await bench.read(0, { partition: 99 })), 'UNKNOWN_TOPIC_OR_PARTITION')
  },

  'maxBytes is kept, but for the first batch when there must be one': async bench => {
    await bench.open()
    const [a, b, c] = ['a', 'b', 'c'].map(value => batchOf({ values: [value.repeat(100)] }))
    const size = a!.bytes.length
    await bench.append([a!, b!, c!])
    const count = async (maxBytes: number, minOne: boolean) =>
      valuesOf(await bench.read(0, { maxBytes, minOne })).length
    assert.equal(await count(2 * size, true), 2)
    assert.equal(await count(2 * size - 1, true), 1)
    assert.equal(await count(1, true), 1)
    assert.equal(await count(1, false), 0)
    assert.equal(await count(size, false), 1)
  },

  'over all partitions too, maxBytes is kept, and only the first that has records gives one regardless':
    async bench => {
      await bench.open()
      await bench.append([batchOf({ values: ['a'] }), batchOf({ partition: 2, values: ['x'] })])
      const reads = [2, 1].map(partition => ({
        partition,
        offset: 0,
        maxBytes: 1000,
        isolation: 'uncommitted' as const,
      }))
      const results = await bench.settle(bench.engine.read(reads, { maxBytes: 1, minOne: true }))
      assert.deepEqual(
        results.map(result => valuesOf(result)),
        [['x'], []],
      )
    },

  'only readers of stable records hear of aborted transactions': async bench => {
    await bench.open()
    await bench.append([batchOf()])
    const aborted = async (isolation: 'stable' | 'uncommitted') => {
      const result = await bench.read(0, { isolation })
      return result.ok ? result.aborted : result
    }
    assert.deepEqual([await aborted('stable'), await aborted('uncommitted')], [[], null])
  },

  'a log of many segments reads as one, from memory or from the disk': async bench => {
    await bench.open(topicOf({ segmentBytes: 500, indexIntervalBytes: 100 }))
    const batches = Array.from({ length: 40 }, (_, i) =>
      Array.from({ length: 1 + (i % 3) }, (_, k) => `value ${i}.${k}`),
    )
    for (const values of batches) await bench.append([batchOf({ values })])
    for (let round = 0; round < 2; round++) {
      for (let first = 0; first < batches.length; first += 3) {
        const seen: string[] = []
        for (let offset = batches.slice(0, first).flat().length; offset < batches.flat().length; ) {
          const records = recordsOf(await bench.read(offset, { maxBytes: 300 }))
          assert.equal(records[0]!.offset, offset)
          seen.push(...records.map(({ value }) => value))
          offset = records.at(-1)!.offset + 1
        }
        assert.deepEqual(seen, batches.slice(first).flat())
      }
      await bench.restart({ drain: round === 0 })
    }
  },
}
