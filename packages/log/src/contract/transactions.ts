/** Transactions: what is stable, and what was aborted. */
import assert from 'node:assert/strict'
import { committedView } from '../testing/committed-view.ts'
import { keyedBatch, marker } from '../testing/keyed-batches.ts'
import { type Bench, type ContractTests, never, offsets } from './bench.ts'

const records = (...keys: string[]) => keys.map(key => ({ key, value: `of ${key}` }))
const sent = (producerId: bigint, baseSequence: number, ...keys: string[]) =>
  keyedBatch({ producerId, baseSequence, transactional: true, records: records(...keys) })

const stable = async (bench: Bench) => (await bench.settle(bench.engine.state([1])))[0]!.lastStableOffset
const committed = async (bench: Bench) =>
  (await bench.settle(committedView(bench.engine, 1))).map(({ key }) => key).join(' ')

export const transactions: ContractTests = {
  'readers of committed records stop at the first open transaction, and go on when it ends': async bench => {
    await bench.open()
    await bench.append([keyedBatch({ records: records('plain') }), sent(1n, 0, 'a'), sent(2n, 0, 'b')])
    assert.equal(await stable(bench), 1)
    assert.equal(await committed(bench), 'plain')
    await bench.append([marker({ producerId: 2n, type: 'commit' })])
    assert.equal(await stable(bench), 1)
    const woken = bench.engine.onGrowth([1], [4], never)
    await bench.append([marker({ producerId: 1n, type: 'commit' })])
    await bench.settle(woken)
    assert.equal(await stable(bench), 5)
    assert.equal(await committed(bench), 'plain a b')
  },

  'a read of committed records names the aborted transactions in it, by first offset': async bench => {
    await bench.open()
    await bench.append([sent(1n, 0, 'a'), sent(2n, 0, 'b'), sent(3n, 0, 'c')])
    for (const [producerId, type] of [
      [2n, 'abort'],
      [1n, 'abort'],
      [3n, 'commit'],
    ] as const)
      await bench.append([marker({ producerId, type })])
    const aborted = async (offset: number) => {
      const result = await bench.read(offset, { isolation: 'stable' })
      return result.ok && result.aborted!.map(({ producerId, firstOffset }) => [producerId, firstOffset])
    }
    assert.deepEqual(await aborted(0), [
      [1n, 0],
      [2n, 1],
    ])
    assert.deepEqual(await aborted(4), [[1n, 0]])
    assert.deepEqual(await aborted(5), [])
    const plain = await bench.read(0)
    assert.ok(plain.ok && plain.aborted === null)
    assert.equal(await committed(bench), 'c')
  },

  'what is open, and what was aborted, is known after a restart of either kind': async bench => {
    await bench.open()
    await bench.append([
      sent(1n, 0, 'a'),
      marker({ producerId: 1n, type: 'abort' }),
      sent(1n, 1, 'b'),
      sent(2n, 0, 'c'),
    ])
    await bench.append([marker({ producerId: 1n, type: 'commit' })])
    for (const drain of [true, false]) {
      await bench.restart({ drain })
      assert.equal(await stable(bench), 3)
      assert.equal(await committed(bench), 'b')
      const producers = await bench.settle(bench.engine.producers(1))
      const starts = producers.map(({ producerId, currentTransactionStart }) => [producerId, currentTransactionStart])
      assert.deepEqual(starts.sort(), [
        [1n, -1],
        [2n, 3],
      ])
    }
  },

  'a coordinator that was followed by another ends nothing any more, after a restart of either kind either':
    async bench => {
      await bench.open()
      const by = (coordinatorEpoch: number) =>
        marker({ producerId: 1n, type: 'commit', coordinatorEpoch, timestamp: 2000 })
      await bench.append([sent(1n, 0, 'a'), by(3), sent(1n, 1, 'b')])
      for (const drain of [true, false]) {
        await bench.restart({ drain })
        assert.deepEqual(offsets(await bench.append([by(2)])), ['TRANSACTION_COORDINATOR_FENCED'])
        const [producer] = await bench.settle(bench.engine.producers(1))
        const { coordinatorEpoch, lastTimestamp, currentTransactionStart } = producer!
        assert.deepEqual([coordinatorEpoch, lastTimestamp, currentTransactionStart], [3, 1000, 2])
      }
      assert.deepEqual(offsets(await bench.append([by(3), by(4), by(3)])), [3, 4, 'TRANSACTION_COORDINATOR_FENCED'])
      const [producer] = await bench.settle(bench.engine.producers(1))
      assert.deepEqual([producer!.coordinatorEpoch, producer!.lastTimestamp], [4, 2000])
    },

  'a marker that ends an earlier epoch ends no transaction of its own, and is taken twice where none is open':
    async bench => {
      await bench.open()
      const ended = marker({ producerId: 1n, producerEpoch: 1, type: 'commit', endsEarlierEpoch: true })
      const next = keyedBatch({
        producerId: 1n,
        producerEpoch: 1,
        baseSequence: 0,
        transactional: true,
        records: records('b'),
      })
      assert.deepEqual(offsets(await bench.append([sent(1n, 0, 'a'), ended])), [0, 1])
      assert.deepEqual(offsets(await bench.append([ended, next])), [2, 3])
      assert.deepEqual(offsets(await bench.append([ended])), ['INVALID_PRODUCER_EPOCH'])
      assert.equal(await stable(bench), 3)
    },

  'while a transaction is open, its producer writes nothing outside of it': async bench => {
    await bench.open()
    await bench.append([sent(1n, 0, 'a')])
    const outside = keyedBatch({ producerId: 1n, baseSequence: 1, records: records('b') })
    assert.deepEqual(offsets(await bench.append([outside])), ['INVALID_TXN_STATE'])
    await bench.append([marker({ producerId: 1n, type: 'commit' })])
    assert.deepEqual(offsets(await bench.append([outside])), [2])
  },

  'a producer begins nothing under a new epoch while its transaction of the one before is open': async bench => {
    await bench.open()
    await bench.append([sent(1n, 0, 'a')])
    const newer = () =>
      keyedBatch({ producerId: 1n, producerEpoch: 1, baseSequence: 0, transactional: true, records: records('b') })
    assert.deepEqual(offsets(await bench.append([newer()])), ['CONCURRENT_TRANSACTIONS'])
    await bench.append([marker({ producerId: 1n, producerEpoch: 1, type: 'commit' })])
    assert.deepEqual(offsets(await bench.append([newer()])), [2])
    assert.equal(await committed(bench), 'a')
  },

  'a marker of an older epoch is fenced': async bench => {
    await bench.open()
    await bench.append([marker({ producerId: 1n, producerEpoch: 3, type: 'abort' })])
    const older = marker({ producerId: 1n, producerEpoch: 2, type: 'commit' })
    assert.deepEqual(offsets(await bench.append([older])), ['INVALID_PRODUCER_EPOCH'])
  },
}
