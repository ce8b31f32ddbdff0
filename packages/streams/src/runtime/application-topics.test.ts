import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Admin, serde } from '@odradek/client'
import { StreamsBuilder } from '../dsl/streams-builder.ts'
import { prepareTopics } from './application-topics.ts'

test('partitioners are told how wide a topic is that the application only writes', async () => {
  const builder = new StreamsBuilder()
  const texts = { key: serde.string, value: serde.string }
  const input = builder.stream('in', texts)
  input.to('out', texts)
  input.to(() => 'chosen', texts)
  const { widths, outputs } = await prepareTopics({
    topology: builder.build(),
    applicationId: 'app',
    admin: { topics: { create: async () => [] } } as unknown as Admin,
    replicationFactor: -1,
    topicConfig: {},
    partitionsOf: async name => (name === 'in' ? 4 : 3),
  })
  assert.deepEqual([[...widths], [...outputs]], [[['in', 4]], [['out', 3]]])
})
