import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodePartitionTime, decodeProgress, encodePartitionTime } from './partition-time.ts'

test('partition time is written as Kafka Streams writes it', () => {
  // As committed by Kafka Streams 4.3.1.
  assert.equal(decodePartitionTime('AgAAAaIDuzGk'), 1_795_358_929_316)
  assert.equal(encodePartitionTime(1_795_358_929_316), 'AgAAAaIDuzGk')
  assert.equal(decodePartitionTime(encodePartitionTime(-1)), -1)
})

test('what others have written there says nothing', () => {
  for (const foreign of [null, '', 'hello', 'some other note about this offset', 'AgA=', 'An//////////'])
    assert.equal(decodePartitionTime(foreign), -1, String(foreign))
})

test('the time of earlier versions and what follows it are understood', () => {
  const bytes = Buffer.from(encodePartitionTime(77), 'base64')
  assert.equal(decodePartitionTime(Buffer.concat([bytes, Buffer.from([0, 0, 0, 0])]).toString('base64')), 77)
  bytes[0] = 1
  assert.equal(decodePartitionTime(bytes.toString('base64')), 77)
})

test('how far processors have come follows the time, as Kafka Streams writes it (streams facts 2.30)', () => {
  const progress = new Map([
    ['count', 60_000],
    ['größe', -1],
  ])
  const written = encodePartitionTime(5, progress)
  assert.equal(
    Buffer.from(written, 'base64').toString('hex'),
    '02' +
      '0000000000000005' +
      '00000002' +
      '00000005636f756e74000000000000ea60' +
      '000000076772c3b6c39f65ffffffffffffffff',
  )
  assert.equal(decodePartitionTime(written), 5)
  assert.deepEqual(decodeProgress(written), progress)
})

test('progress that is cut short says nothing, and the time before it stays', () => {
  const bytes = Buffer.from(encodePartitionTime(5, new Map([['count', 60_000]])), 'base64')
  for (let length = 9; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length).toString('base64')
    assert.deepEqual([decodePartitionTime(cut), decodeProgress(cut).size], [5, 0], `${length} bytes`)
  }
  for (const foreign of [null, '', 'hello']) assert.equal(decodeProgress(foreign).size, 0)
})
