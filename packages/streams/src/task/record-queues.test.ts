import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PartitionBatch } from '@odradek/client'
import { RecordQueues } from './record-queues.ts'

const batch = (topic: string, from: number, times: number[], nextOffset = from + times.length) =>
  ({
    topic,
    partition: 0,
    records: times.map((timestamp, i) => ({ offset: from + i, timestamp })),
    nextOffset,
    leaderEpoch: 1,
    endOffset: nextOffset,
  }) as unknown as PartitionBatch

test('the head with the lowest timestamp comes next; within a partition order stays', () => {
  const queues = new RecordQueues()
  queues.add(batch('a', 0, [5, 1, 9]))
  queues.add(batch('b', 0, [4, 6]))
  queues.add(batch('a', 3, [2]))
  const order: string[] = []
  for (let head = queues.next(); head; head = queues.next()) order.push(`${head.topic}${head.record.offset}`)
  assert.deepEqual(order, ['b0', 'a0', 'a1', 'b1', 'a2', 'a3'])
})

test('after the last record of a batch the partition stands behind what nobody sees', () => {
  const queues = new RecordQueues()
  queues.add(batch('a', 10, [1, 2], 15))
  queues.add(batch('a', 15, [3]))
  assert.deepEqual([queues.length, queues.waiting('a'), queues.waiting('b')], [3, 3, 0])
  assert.deepEqual(
    [queues.next(), queues.next(), queues.next()].map(head => head?.next),
    [11, 15, 16],
  )
  assert.equal(queues.next(), undefined)
  assert.equal(queues.length, 0)
})
