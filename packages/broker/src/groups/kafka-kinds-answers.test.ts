import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { TestBroker } from '../testing/test-broker.ts'
import { KindsConversation } from './testing/kinds-conversation.ts'

test('about groups of all kinds the coordinators answer as Apache Kafka does', async () => {
  const kafka = readFileSync(new URL('testing/kafka-kinds-answers.txt', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
  await using broker = await TestBroker.start()
  const conversation = new KindsConversation(await broker.client(), 'a-group')
  assert.deepEqual(await conversation.hold(), kafka)
})
