import { test } from 'node:test'
import { TestBroker } from '../../testing/test-broker.ts'
import { assertAsKafka } from '../testing/conversation.ts'
import { converse } from './testing/consumer-conversation.ts'

test('the coordinator of consumer groups answers as Apache Kafka does', async () => {
  await using broker = await TestBroker.start()
  assertAsKafka(await converse(await broker.client(), 'a-group'), new URL('testing/kafka-answers.txt', import.meta.url))
})
