import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { TestBroker } from '../../testing/test-broker.ts'
import { converse } from './testing/streams-conversation.ts'

test('the coordinator of streams groups answers as Apache Kafka does', async () => {
  const kafka = readFileSync(new URL('testing/kafka-answers.txt', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
  await using broker = await TestBroker.start()
  assert.deepEqual(await converse(await broker.client(), 'a-group'), kafka)
})
