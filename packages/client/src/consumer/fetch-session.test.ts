import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import { FetchSession, type FetchTarget, type SessionRequest } from './fetch-session.ts'

const target = (partition: number, fetchOffset = 0, topicId = 'id-t'): FetchTarget => ({
  topic: 't',
  topicId,
  partition,
  fetchOffset,
  currentLeaderEpoch: 0,
  lastFetchedEpoch: -1,
  partitionMaxBytes: 1000,
})

const said = ({ sessionId, sessionEpoch, topics, forgottenTopicsData }: SessionRequest): string => {
  const named = topics.flatMap(t => t.partitions.map(p => `${p.partition}@${p.fetchOffset}`))
  const forgotten = forgottenTopicsData.flatMap(t => t.partitions.map(p => `-${p}`))
  return [`${sessionId}/${sessionEpoch}:`, ...named, ...forgotten].join(' ')
}

test('the first request names everything, the following ones only what changed', () => {
  const session = new FetchSession(true)
  assert.equal(said(session.request([target(0), target(1)])), '0/0: 0@0 1@0')
  assert(session.answered(0, 77))
  assert.equal(said(session.request([target(0), target(1)])), '77/1:')
  assert(session.answered(0, 77))
  assert.equal(said(session.request([target(0, 5), target(1)])), '77/2: 0@5')
})

test('a session is reused, and partitions that went away are forgotten once (platformatic #316, #321)', () => {
  const session = new FetchSession(true)
  session.request([target(0), target(1), target(2)])
  session.answered(0, 7)
  assert.equal(said(session.request([target(1)])), '7/1: -0 -2')
  session.answered(0, 7)
  assert.equal(said(session.request([target(1)])), '7/2:')
  session.answered(0, 7)
  assert.equal(said(session.request([target(0), target(1)])), '7/3: 0@0', 'what came back is named again')
})

test('a topic made anew under the same name is another one', () => {
  const session = new FetchSession(true)
  session.request([target(0, 9, 'old')])
  session.answered(0, 7)
  const { topics, forgottenTopicsData } = session.request([target(0, 0, 'new')])
  assert.deepEqual([topics.map(t => t.topicId), forgottenTopicsData.map(t => t.topicId)], [['new'], ['old']])
})

test('a broker that declines is asked for everything each time', () => {
  const session = new FetchSession(true)
  for (let i = 0; i < 3; i++) {
    assert.equal(said(session.request([target(0)])), '0/0: 0@0')
    assert(session.answered(0, 0))
  }
})

test('without sessions every request says so', () => {
  const session = new FetchSession(false)
  assert.equal(said(session.request([target(0)])), '0/-1: 0@0')
  session.answered(0, 0)
  assert.equal(said(session.request([target(1)])), '0/-1: 1@0')
})

test('a forgotten session is begun anew', () => {
  const session = new FetchSession(true)
  session.request([target(0)])
  session.answered(0, 7)
  session.request([target(0)])
  assert.equal(session.answered(ErrorCodes.FETCH_SESSION_ID_NOT_FOUND, 0), false)
  assert.equal(said(session.request([target(0)])), '0/0: 0@0')
})

test('a session that lost step, and one whose request failed, is replaced by a new one', () => {
  const session = new FetchSession(true)
  session.request([target(0)])
  session.answered(0, 7)
  session.request([target(0)])
  assert.equal(session.answered(ErrorCodes.INVALID_FETCH_SESSION_EPOCH, 0), false)
  assert.equal(said(session.request([target(0)])), '7/0: 0@0')
  session.answered(0, 8)
  session.request([target(0)])
  session.failed()
  assert.equal(said(session.request([target(0)])), '8/0: 0@0')
})
