import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ConsumerRecord, decodeConsumerRecord, encodeConsumerRecord } from './consumer-record.ts'

const topicId = '00000000-0000-4000-8000-000000000001'
const kind = 'consumer'
const groupId = 'g'
const memberId = 'm'

const records: readonly ConsumerRecord[] = [
  { kind, type: 'group', groupId, value: { epoch: 7, metadataHash: 0xffff_ffff_ffffn } },
  { kind, type: 'target-epoch', groupId, value: 6 },
  {
    kind,
    type: 'member',
    groupId,
    memberId,
    value: {
      instanceId: 'i',
      rackId: null,
      clientId: 'c',
      clientHost: '/127.0.0.1',
      topicNames: ['a', 'b'],
      topicRegex: 'x.*',
      rebalanceTimeoutMs: 1000,
      serverAssignor: 'range',
      classic: { sessionTimeoutMs: 10_000, protocols: [{ name: 'range', metadata: new Uint8Array([1, 2]) }] },
    },
  },
  { kind, type: 'target', groupId, memberId, value: new Map([[topicId, new Set([0, 2])]]) },
  {
    kind,
    type: 'current',
    groupId,
    memberId,
    value: {
      state: 'unrevoked',
      epoch: 6,
      previousEpoch: 5,
      assigned: new Map([[topicId, new Map([[0, 3]])]]),
      revoking: new Map([[topicId, new Map([[1, 6]])]]),
    },
  },
  { kind, type: 'regex', groupId, regex: 'x.*', value: { topics: ['xa'], version: 4, timestamp: 5 } },
]

test('records come back from their bytes as they were, and tombstones as nulls', () => {
  for (const record of records) {
    const { key, value } = encodeConsumerRecord(record)
    assert.deepEqual(decodeConsumerRecord(key as Uint8Array, value as Uint8Array), record)
    const tombstone = encodeConsumerRecord({ ...record, value: null })
    assert.equal(tombstone.value, null)
    assert.deepEqual(decodeConsumerRecord(tombstone.key as Uint8Array, null), { ...record, value: null })
  }
})
