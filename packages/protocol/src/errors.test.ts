import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes, errorByCode } from './error-codes.ts'
import { ConnectionError, CorruptionError, DecodeError, KafkaError, ProtocolError, UsageError } from './errors.ts'

test('a protocol error says which code, where, what to do, and what the broker said', () => {
  const error = new ProtocolError(ErrorCodes.NOT_LEADER_OR_FOLLOWER, {
    api: 'Produce',
    topic: 'text',
    partition: 3,
    message: 'moved',
  })
  assert.equal(error.code, 'NOT_LEADER_OR_FOLLOWER')
  assert.deepEqual(
    [error.errorCode, error.recovery, error.retriable, error.refreshMetadata],
    [6, 'refresh', true, true],
  )
  assert.match(error.message, /^Produce: NOT_LEADER_OR_FOLLOWER \(text-3\): This broker .* The broker says: moved$/)
})

test('a code nobody knows counts as UNKNOWN_SERVER_ERROR and is not retried', () => {
  assert.equal(errorByCode(9999).name, 'UNKNOWN_SERVER_ERROR')
  assert.equal(new ProtocolError(9999).retriable, false)
})

test('nothing is retriable unless it says so', () => {
  assert.equal(new UsageError('x').retriable, false)
  assert.equal(new DecodeError('x').retriable, false)
  assert.equal(new CorruptionError('x').retriable, false)
  assert.equal(new ProtocolError(ErrorCodes.PRODUCER_FENCED).retriable, false)
  assert.equal(new ConnectionError('x').retriable, true)
  assert.equal(new ConnectionError('x', { retriable: false }).retriable, false)
})

test('every kind is a KafkaError with its own name and keeps its cause', () => {
  const cause = new Error('below')
  for (const kind of [ConnectionError, CorruptionError, DecodeError, UsageError]) {
    const error = new kind('above', { cause })
    assert.ok(error instanceof KafkaError)
    assert.equal(error.name, kind.name)
    assert.equal(error.cause, cause)
  }
})

test('a decode error names message, version, field and byte', () => {
  const error = new DecodeError('bad', { message: 'FetchRequest', version: 12, path: 'topics[0].topic', position: 31 })
  assert.equal(error.message, 'FetchRequest v12, topics[0].topic, byte 31: bad')
})
