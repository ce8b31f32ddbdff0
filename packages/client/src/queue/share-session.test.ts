import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeKey } from './place.ts'
import { ShareSession } from './share-session.ts'

const place = (topicId: string, partition: number) => ({ topicId, partition, key: placeKey(topicId, partition) })
const batches = [{ firstOffset: 1, lastOffset: 2, acknowledgeTypes: [1] }]

test('a session names everything when it begins, then what is new, what is gone, and what is acknowledged', () => {
  const session = new ShareSession()
  const named = (partitions: number[]) =>
    partitions.map(partitionIndex => ({ partitionIndex, acknowledgementBatches: [] }))
  assert.deepEqual(session.fetch([place('A', 0), place('A', 1)], []), {
    shareSessionEpoch: 0,
    topics: [{ topicId: 'A', partitions: named([0, 1]) }],
    forgottenTopicsData: [],
  })
  session.answered()
  assert.equal(session.isOpen, true)
  assert.deepEqual(session.fetch([place('A', 1), place('B', 0)], [{ topicId: 'A', partition: 1, batches }]), {
    shareSessionEpoch: 1,
    topics: [
      { topicId: 'B', partitions: named([0]) },
      { topicId: 'A', partitions: [{ partitionIndex: 1, acknowledgementBatches: batches }] },
    ],
    forgottenTopicsData: [{ topicId: 'A', partitions: [0] }],
  })
})

test('acknowledgements change nothing about what is fetched', () => {
  const session = new ShareSession()
  session.fetch([place('A', 0)], [])
  session.answered()
  const { shareSessionEpoch, topics } = session.acknowledge([{ topicId: 'A', partition: 0, batches }])
  assert.deepEqual([shareSessionEpoch, topics.length], [1, 1])
  session.answered()
  assert.deepEqual(session.fetch([place('A', 0)], []), { shareSessionEpoch: 2, topics: [], forgottenTopicsData: [] })
})

test('a request that was not answered is no news to the broker; a session that is lost begins anew', () => {
  const session = new ShareSession()
  session.fetch([place('A', 0)], [])
  assert.equal(session.fetch([place('A', 0)], []).topics.length, 1)
  session.answered()
  session.lost()
  assert.deepEqual([session.isOpen, session.fetch([place('A', 0)], []).shareSessionEpoch], [false, 0])
})
