import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodePartitionTime, encodePartitionTime } from './partition-time.ts'

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
