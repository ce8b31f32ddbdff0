import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Transaction } from './transaction.ts'
import { noPartitions, withPartitions } from './transaction-partitions.ts'
import { transactionRecords } from './transaction-records.ts'

const bytes = (input: unknown) => input as Uint8Array

test('a record says everything about a transactional id but the epoch before', () => {
  const partitions = withPartitions(noPartitions, [
    { topic: 'a', index: 0 },
    { topic: 'a', index: 2 },
    { topic: 'b', index: 1 },
  ])
  const transaction: Transaction = {
    ...{ id: 'tx', state: 'PrepareCommit', producerId: 7n, epoch: 32_767, previousProducerId: 5n, nextProducerId: 8n },
    ...{ lastEpoch: -1, timeoutMs: 60_000, partitions, startedAt: 100, updatedAt: 200, clientVersion: 2 },
    earlier: { outcome: 'abort', partitions },
  }
  const { key, value } = transactionRecords.encode({ id: 'tx', transaction })
  assert.deepEqual(transactionRecords.decode(bytes(key), bytes(value)), { id: 'tx', transaction })
})

test('an id that is forgotten leaves a tombstone, and a record of another kind is passed over', () => {
  const { key, value } = transactionRecords.encode({ id: 'tx', transaction: null })
  assert.equal(value, null)
  assert.deepEqual(transactionRecords.decode(bytes(key), null), { id: 'tx', transaction: null })
  assert.equal(transactionRecords.decode(Uint8Array.of(0, 1, 2), null), null)
})
