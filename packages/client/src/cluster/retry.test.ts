import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionError, DecodeError, ErrorCodes, errorByCode, ProtocolError, UsageError } from '@odradek/protocol'
import { SeededRandom, SimulatedClock } from '@odradek/world'
import { backoffMs } from './backoff.ts'
import { type Recovery, recoveryOf, recoveryOfCode } from './recovery.ts'
import { retrying } from './retry.ts'

const clock = new SimulatedClock()
const random = new SeededRandom(1)

test('what to do follows from the table of errors', () => {
  const expected: Record<string, Recovery> = {
    NOT_LEADER_OR_FOLLOWER: 'refresh',
    UNKNOWN_TOPIC_OR_PARTITION: 'refresh',
    LEADER_NOT_AVAILABLE: 'refresh',
    FENCED_LEADER_EPOCH: 'refresh',
    UNKNOWN_TOPIC_ID: 'refresh',
    NOT_CONTROLLER: 'refresh',
    KAFKA_STORAGE_ERROR: 'refresh',
    REQUEST_TIMED_OUT: 'retry',
    COORDINATOR_LOAD_IN_PROGRESS: 'retry',
    NOT_ENOUGH_REPLICAS: 'retry',
    NOT_COORDINATOR: 'coordinator',
    COORDINATOR_NOT_AVAILABLE: 'coordinator',
    MESSAGE_TOO_LARGE: 'give-up',
    TOPIC_AUTHORIZATION_FAILED: 'give-up',
    INVALID_RECORD: 'give-up',
    UNSUPPORTED_VERSION: 'give-up',
    UNKNOWN_SERVER_ERROR: 'give-up',
  }
  for (const [name, recovery] of Object.entries(expected)) {
    assert.equal(recoveryOfCode(ErrorCodes[name as keyof typeof ErrorCodes]), recovery, name)
  }
})

test('an error is only retried when the table says retriable, apart from the coordinator and the controller moving', () => {
  for (const code of Object.values(ErrorCodes)) {
    const moved = recoveryOfCode(code) === 'coordinator' || code === ErrorCodes.NOT_CONTROLLER
    if (!moved) assert.equal(recoveryOfCode(code) !== 'give-up', errorByCode(code).retriable, errorByCode(code).name)
  }
})

test('a lost connection is retried elsewhere; wrong bytes, wrong usage and bugs are not', () => {
  assert.equal(recoveryOf(new ConnectionError('reset')), 'refresh')
  assert.equal(recoveryOf(new ConnectionError('speaks TLS', { retriable: false })), 'give-up')
  for (const error of [new DecodeError('no'), new UsageError('no'), new TypeError('bug'), 'text']) {
    assert.equal(recoveryOf(error), 'give-up')
  }
})

test('pauses double up to a limit and differ from client to client', () => {
  const pauses = [1, 2, 3, 4, 5, 60].map(attempt => backoffMs(attempt, random, { initialMs: 100, maxMs: 1_000 }))
  const expected = [100, 200, 400, 800, 1_000, 1_000]
  pauses.forEach((pause, i) => {
    assert.ok(pause >= expected[i]! * 0.8 && pause <= expected[i]! * 1.2, `${pause}`)
  })
  assert.equal(new Set(pauses).size, pauses.length)
})

test('attempts go on until one succeeds, recovering in between', async () => {
  const recovered: Recovery[] = []
  const recover = async (recovery: Recovery) => recovered.push(recovery)
  const attempts = [ErrorCodes.NOT_COORDINATOR, ErrorCodes.NOT_LEADER_OR_FOLLOWER, 0]
  const result = retrying({ clock, random, timeoutMs: 10_000, recover }, async n => {
    if (attempts[n]) throw new ProtocolError(attempts[n])
    return n
  })
  assert.equal(await clock.finish(result), 2)
  assert.deepEqual(recovered, ['coordinator', 'refresh'])
})

test('when the time is over the last failure is thrown, and what cannot be cured is thrown at once', async () => {
  let attempts = 0
  const start = clock.monotonic()
  const failing = retrying({ clock, random, timeoutMs: 5_000 }, async () => {
    attempts++
    throw new ProtocolError(ErrorCodes.REQUEST_TIMED_OUT, { api: `attempt ${attempts}` })
  })
  await assert.rejects(clock.finish(failing), (error: ProtocolError) => error.api === `attempt ${attempts}`)
  assert.ok(attempts > 4 && clock.monotonic() - start <= 5_000)
  const hopeless = retrying({ clock, random, timeoutMs: 5_000 }, () => Promise.reject(new UsageError('no')))
  await assert.rejects(clock.finish(hopeless), { code: 'USAGE' })
})

test('an abort ends the pause at once, with the reason of the signal', async () => {
  const controller = new AbortController()
  const failing = retrying({ clock, random, timeoutMs: 60_000, signal: controller.signal }, async () => {
    controller.abort(new Error('enough'))
    throw new ConnectionError('reset')
  })
  await assert.rejects(clock.finish(failing), ConnectionError)
  const late = retrying({ clock, random, timeoutMs: 60_000, signal: controller.signal }, async () => 1)
  await assert.rejects(clock.finish(late), /enough/)
})
