import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { TestBroker } from '../testing/test-broker.ts'
import { TransactionConversation } from './testing/transaction-conversation.ts'

test('about offsets in transactions the coordinator answers as Apache Kafka does', async () => {
  const kafka = readFileSync(new URL('testing/kafka-transaction-answers.txt', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
  await using broker = await TestBroker.start()
  const conversation = new TransactionConversation(await broker.client(), 'a-group')
  assert.deepEqual(await conversation.hold(), kafka)
})
