import { test } from 'node:test'
import { TestBroker } from '../testing/test-broker.ts'
import { assertAsKafka } from './testing/conversation.ts'
import { TransactionConversation } from './testing/transaction-conversation.ts'

test('about offsets in transactions the coordinator answers as Apache Kafka does', async () => {
  await using broker = await TestBroker.start()
  const conversation = new TransactionConversation(await broker.client(), 'a-group')
  assertAsKafka(await conversation.hold(), new URL('testing/kafka-transaction-answers.txt', import.meta.url))
})
