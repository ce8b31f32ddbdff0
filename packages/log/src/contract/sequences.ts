/** Idempotent producers, as far as a client can see. */
import assert from 'node:assert/strict'
import { batchOf, valuesOf } from '../testing/batches.ts'
import { type ContractTests, offsets } from './bench.ts'

const sent = (baseSequence: number, values = ['a'], producerEpoch = 0) =>
  batchOf({ values, producerId: 7n, producerEpoch, baseSequence })

export const sequences: ContractTests = {
  'a batch sent again is answered with its first offset and stored once': async bench => {
    await bench.open()
    await bench.append([batchOf({ values: ['before'] }), sent(0, ['a', 'b'])])
    for (const acks of [-1, 1] as const) {
      const [again] = await bench.append([sent(0, ['a', 'b'])], acks)
      assert(again?.ok && again.duplicate && again.baseOffset === 1)
    }
    assert.deepEqual(valuesOf(await bench.read(0)), ['before', 'a', 'b'])
  },

  'a batch and its repetition in the same breath are stored once': async bench => {
    await bench.open()
    assert.deepEqual(offsets(await bench.append([sent(0), sent(1), sent(0), sent(1), sent(2)])), [0, 1, 0, 1, 2])
  },

  'a gap is out of order, an older epoch is fenced, a new epoch starts at 0': async bench => {
    await bench.open()
    const answers = [sent(0), sent(2), sent(1), sent(1, ['a'], 1), sent(0, ['a'], 1), sent(2, ['a'], 0)]
    const expected = [0, 'OUT_OF_ORDER_SEQUENCE_NUMBER', 1, 'OUT_OF_ORDER_SEQUENCE_NUMBER', 2, 'INVALID_PRODUCER_EPOCH']
    for (const [i, batch] of answers.entries()) assert.deepEqual(offsets(await bench.append([batch])), [expected[i]])
  },

  'producers are remembered across restarts of either kind': async bench => {
    await bench.open()
    await bench.append([sent(0, ['a', 'b'])])
    await bench.restart({ drain: true })
    await bench.append([sent(2)])
    await bench.restart({ drain: false })
    assert.deepEqual(offsets(await bench.append([sent(0, ['a', 'b']), sent(2), sent(3), sent(5)])), [
      0,
      2,
      3,
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
    ])
    const [producer] = await bench.settle(bench.engine.producers(1))
    assert.deepEqual(producer, {
      producerId: 7n,
      producerEpoch: 0,
      lastSequence: 3,
      lastTimestamp: 1000,
      coordinatorEpoch: -1,
      currentTransactionStart: -1,
    })
  },
}
