import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { tellingOfTrouble } from './producer-trouble.ts'

test('a broker that takes no records for some seconds is told of, once', () => {
  let now = 0
  const lines: string[] = []
  const refused = (error: string) =>
    channel('odradek:producer:trouble').publish({ topic: 't', partition: 0, error: new Error(error) })
  {
    using _ = tellingOfTrouble({ monotonic: () => now }, line => lines.push(line))
    refused('the disk is full')
    now = 2_999
    refused('the disk is full')
    assert.deepEqual(lines, [])
    for (now of [3_000, 4_000, 9_000]) refused('the disk is full')
  }
  refused('nobody listens')
  assert.deepEqual(lines, ['t-0 takes no records: the disk is full (still trying)\n'])
})
