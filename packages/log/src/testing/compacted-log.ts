/** A log worth compacting, and what must be in it before and after, for tests that go through every operation of a pass. */
import type { AppendBatch } from '../engine.ts'
import { topicOf } from './batches.ts'
import { keyedBatch, marker } from './keyed-batches.ts'

export const compactedTopic = topicOf({
  ...{ segmentBytes: 500, indexIntervalBytes: 100, minCleanableDirtyRatio: 0.01, deleteRetentionMs: 1e9 },
  cleanupPolicy: ['compact'],
})

/** Several groups of segments; overwritten keys, a tombstone, an aborted and a committed transaction. */
export function written(): AppendBatch[] {
  const batches: AppendBatch[] = []
  for (let i = 0; i < 14; i++) {
    const value = `${i} ${'.'.repeat(60)}`
    batches.push(keyedBatch({ records: [{ key: `k${i % 4}`, value }], producerId: 1n, baseSequence: i }))
    if (i === 3) batches.push(keyedBatch({ records: [{ key: 'gone', value }] }))
    if (i === 6) batches.push(keyedBatch({ records: [{ key: 'gone', value: null }] }))
    if (i === 4 || i === 8) {
      const producerId = BigInt(i)
      const records = [{ key: `of ${i}`, value }]
      batches.push(keyedBatch({ records, producerId, baseSequence: 0, transactional: true }))
      batches.push(marker({ producerId, type: i === 4 ? 'abort' : 'commit' }))
    }
  }
  return batches
}

const last = (i: number) => `${i} ${'.'.repeat(60)}`
/** The last value of each key. */
export const expected = { k0: last(12), k1: last(13), k2: last(10), k3: last(11), gone: null, 'of 8': last(8) }

/** Records that are left by a whole pass. */
export const leftByPass = 8
