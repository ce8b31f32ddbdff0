import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeartbeatFields, type MemberReport } from './heartbeat-fields.ts'

const report: MemberReport = {
  topics: ['b', 'a'],
  regex: '',
  serverAssignor: null,
  rebalanceTimeoutMs: 300_000,
  rackId: null,
  owned: [],
}
const owned = [0, 2].map(partition => ({ topic: 'a', topicId: 'A', partition }))

test('the first heartbeat says everything, those after it what is new', () => {
  const fields = new HeartbeatFields()
  assert.deepEqual(fields.request(report), {
    rackId: null,
    rebalanceTimeoutMs: 300_000,
    subscribedTopicNames: ['a', 'b'],
    subscribedTopicRegex: null,
    serverAssignor: null,
    topicPartitions: [],
  })
  fields.answered()
  assert.deepEqual(fields.request(report), {})
  assert.deepEqual(fields.request({ ...report, owned }), { topicPartitions: [{ topicId: 'A', partitions: [0, 2] }] })
})

test('what was not answered is said again, and after a loss everything is', () => {
  const fields = new HeartbeatFields()
  fields.request(report)
  fields.answered()
  fields.request({ ...report, owned })
  assert.deepEqual(Object.keys(fields.request({ ...report, owned })), ['topicPartitions'])
  fields.forget()
  assert.equal(Object.keys(fields.request({ ...report, owned })).length, 6)
})

test('an expression that is given up is taken back', () => {
  const fields = new HeartbeatFields()
  fields.request({ ...report, topics: [], regex: 'a.*' })
  fields.answered()
  assert.deepEqual(fields.request({ ...report, topics: ['a'] }), {
    subscribedTopicNames: ['a'],
    subscribedTopicRegex: '',
  })
})
