import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeCoordinatorRecord, encodeCoordinatorRecord } from './coordinator-record.ts'
import { ShareSnapshotKey, ShareSnapshotValue } from './share-state.ts'

test('a snapshot has the bytes that Apache Kafka 4.3.1 writes', () => {
  const key = encodeCoordinatorRecord(ShareSnapshotKey, 0, {
    groupId: 'g',
    topicId: '00000000-0000-0001-0000-000000000002',
    partition: 3,
  })
  assert.equal(Buffer.from(key).toString('hex'), '000000016700000000000000010000000000000002' + '00000003')
  const value = {
    snapshotEpoch: 1,
    stateEpoch: 2,
    leaderEpoch: 3,
    startOffset: 4,
    deliveryCompleteCount: 5,
    createTimestamp: 6,
    writeTimestamp: 7,
    stateBatches: [{ firstOffset: 8, lastOffset: 9, deliveryState: 2, deliveryCount: 1 }],
  }
  const bytes = encodeCoordinatorRecord(ShareSnapshotValue, 0, value)
  assert.equal(Buffer.from(bytes).toString('hex'), snapshotFromKafka)
  assert.deepEqual(decodeCoordinatorRecord(ShareSnapshotValue, bytes).value, value)
})

const snapshotFromKafka =
  '000000000001000000020000000300000000000000040000000000000006000000000000000702000000000000000800000000000000090200010001000400000005'
