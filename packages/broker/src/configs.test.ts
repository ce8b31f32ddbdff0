import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AlterConfigs, DescribeConfigs, ErrorCodes, IncrementalAlterConfigs } from '@odradek/protocol'
import type { RawClient } from './testing/raw-client.ts'
import { produceTo, TestBroker } from './testing/test-broker.ts'

const topicType = 2
const brokerType = 4
const operations = { set: 0, delete: 1, append: 2, subtract: 3 }

async function described(client: RawClient, resourceType: number, resourceName: string, keys: string[] | null = null) {
  const resources = [{ resourceType, resourceName, configurationKeys: keys }]
  const { results } = await client.call(DescribeConfigs, 4, {
    resources,
    includeSynonyms: true,
    includeDocumentation: true,
  })
  return results[0]!
}

async function changed(
  client: RawClient,
  resourceType: number,
  resourceName: string,
  name: string,
  operation: keyof typeof operations,
  value: string | null = null,
) {
  const configs = [{ name, configOperation: operations[operation], value }]
  const { responses } = await client.call(IncrementalAlterConfigs, 1, {
    resources: [{ resourceType, resourceName, configs }],
    validateOnly: false,
  })
  return responses[0]!.errorCode
}

const valueAndSource = async (client: RawClient, type: number, resource: string, key: string) => {
  const { configs } = await described(client, type, resource, [key])
  return [configs[0]?.value, configs[0]?.configSource]
}

test('every setting of a topic and of a broker is described, with type, source, synonyms and a sentence', async () => {
  await using broker = await TestBroker.start({ config: { 'log.retention.hours': '1' } })
  await broker.topic('t', 1, { 'max.message.bytes': '1000' })
  const client = await broker.client()
  const topic = await described(client, topicType, 't')
  assert.ok(topic.configs.length >= 33)
  const node = await described(client, brokerType, '1')
  assert.ok(node.configs.length >= 50)
  for (const { name, configType, documentation, synonyms, configSource } of [...topic.configs, ...node.configs]) {
    assert.ok(configType > 0 && documentation && configSource > 0, name)
    assert.ok(synonyms.length > 0, name)
  }
  const named = (name: string) => topic.configs.find(config => config.name === name)!
  assert.deepEqual([named('max.message.bytes').value, named('max.message.bytes').configSource], ['1000', 1])
  assert.deepEqual([named('retention.ms').value, named('retention.ms').configSource], ['3600000', 4])
  assert.deepEqual([named('flush.ms').value, named('flush.ms').configSource], ['9223372036854775807', 5])
  assert.deepEqual(
    named('max.message.bytes').synonyms.map(({ name, value, source }) => [name, value, source]),
    [
      ['max.message.bytes', '1000', 1],
      ['message.max.bytes', '1048588', 5],
    ],
  )
})

test('what has no settings says so', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  assert.equal((await described(client, topicType, 'nowhere')).errorCode, ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal((await described(client, brokerType, '77')).errorCode, ErrorCodes.INVALID_REQUEST)
  assert.equal((await described(client, 16, 'x')).errorCode, ErrorCodes.INVALID_REQUEST)
})

test('settings of a topic are set, unset, and changed in their lists, and act at once', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  const retention = () => valueAndSource(client, topicType, 't', 'retention.ms')
  assert.equal(await changed(client, topicType, 't', 'retention.ms', 'set', '5000'), 0)
  assert.deepEqual(await retention(), ['5000', 1])
  assert.equal(await changed(client, topicType, 't', 'retention.ms', 'delete'), 0)
  assert.deepEqual(await retention(), ['604800000', 5])
  assert.equal(await changed(client, topicType, 't', 'cleanup.policy', 'append', 'compact'), 0)
  assert.deepEqual(await valueAndSource(client, topicType, 't', 'cleanup.policy'), ['delete,compact', 1])
  assert.equal(await changed(client, topicType, 't', 'cleanup.policy', 'subtract', 'delete'), 0)
  assert.equal((await produceTo(client, 't', [{ value: 'no key' }])).errorCode, ErrorCodes.INVALID_RECORD)
  assert.equal(await changed(client, topicType, 't', 'retention.ms', 'append', '1'), ErrorCodes.INVALID_CONFIG)
  assert.equal(await changed(client, topicType, 't', 'retention.ms', 'set', 'x'), ErrorCodes.INVALID_CONFIG)
  assert.equal(await changed(client, topicType, 't', 'cleanup.policy', 'set', ''), 0)
})

test('AlterConfigs replaces everything that was set', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t', 1, { 'retention.ms': '1', 'max.message.bytes': '1000' })
  const client = await broker.client()
  const resources = [{ resourceType: topicType, resourceName: 't', configs: [{ name: 'retention.ms', value: '2' }] }]
  await client.call(AlterConfigs, 2, { resources, validateOnly: true })
  assert.deepEqual(await valueAndSource(client, topicType, 't', 'retention.ms'), ['1', 1])
  const { responses } = await client.call(AlterConfigs, 2, { resources, validateOnly: false })
  assert.equal(responses[0]!.errorCode, 0)
  assert.deepEqual(await valueAndSource(client, topicType, 't', 'retention.ms'), ['2', 1])
  assert.deepEqual(await valueAndSource(client, topicType, 't', 'max.message.bytes'), ['1048588', 5])
})

test('a broker setting changed while it runs becomes the default of topics', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  assert.equal(await changed(client, brokerType, '', 'message.max.bytes', 'set', '100'), 0)
  assert.deepEqual(await valueAndSource(client, topicType, 't', 'max.message.bytes'), ['100', 3])
  assert.equal((await produceTo(client, 't', [{ value: Buffer.alloc(200) }])).errorCode, ErrorCodes.MESSAGE_TOO_LARGE)
  assert.equal(await changed(client, brokerType, '1', 'message.max.bytes', 'set', '1000'), 0)
  assert.deepEqual(await valueAndSource(client, topicType, 't', 'max.message.bytes'), ['1000', 2])
  assert.equal((await described(client, brokerType, '')).configs.length, 1)
  assert.equal(await changed(client, brokerType, '', 'num.partitions', 'set', '7'), ErrorCodes.INVALID_REQUEST)
  assert.equal(await changed(client, brokerType, '', 'no.such.setting', 'set', '7'), ErrorCodes.INVALID_CONFIG)
})
