import { test } from 'node:test'
import { TestBroker } from '../testing/test-broker.ts'
import { assertAsKafka } from './testing/conversation.ts'
import { converse } from './testing/group-conversation.ts'

test('the coordinator answers as Apache Kafka does', async () => {
  await using broker = await TestBroker.start()
  const answers = await converse([await broker.client(), await broker.client(), await broker.client()], 'a-group')
  assertAsKafka(answers, new URL('testing/kafka-answers.txt', import.meta.url))
})
