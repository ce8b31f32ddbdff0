import assert from 'node:assert/strict'
import { test } from 'node:test'
import { murmur2 } from './murmur2.ts'
import { partitionOfKey } from './partitioner.ts'

test('murmur2 gives what the Java client gives, for every length of the tail', () => {
  const known: [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ]
  for (const [text, hash] of known) assert.equal(murmur2(Buffer.from(text)), hash, text)
})

test('a key goes to the partition the Java client would choose: the sign is masked, not dropped by shifting', () => {
  assert.equal(partitionOfKey(Buffer.from('foobar'), 10), (-790332482 & 0x7fffffff) % 10)
  assert.equal(partitionOfKey(Buffer.from('abc'), 10), 7)
})
