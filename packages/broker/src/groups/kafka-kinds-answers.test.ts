import { test } from 'node:test'
import { TestBroker } from '../testing/test-broker.ts'
import { assertAsKafka } from './testing/conversation.ts'
import { KindsConversation } from './testing/kinds-conversation.ts'

test('about groups of all kinds the coordinators answer as Apache Kafka does', async () => {
  await using broker = await TestBroker.start()
  const conversation = new KindsConversation(await broker.client(), 'a-group')
  assertAsKafka(await conversation.hold(), new URL('testing/kafka-kinds-answers.txt', import.meta.url))
})
