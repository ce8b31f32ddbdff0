import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnyApi, ApiVersions, apis, decodeResponse, ErrorCodes } from '@odradek/protocol'
import { handlers } from './handlers/index.ts'
import { TestBroker } from './testing/test-broker.ts'

const named = { clientSoftwareName: 'raw', clientSoftwareVersion: '1' }

test('ApiVersions of a version nobody knows is answered in version 0 with its own range', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  // A request of version 9: header v2 (tags), and a body that cannot be read.
  const request = Buffer.from('00000011 0012 0009 00000007 0003 726177 00 ff ff'.replaceAll(' ', ''), 'hex')
  request.writeInt32BE(request.length - 4)
  const sentBefore = client.answerTo(ApiVersions, 0, {})
  await sentBefore
  client.send(request)
  const after = await client.call(ApiVersions, 4, named)
  assert.equal(after.errorCode, ErrorCodes.NONE)
  assert.deepEqual(client.answered, [1, 7, 2])
})

test('the downgraded answer names error 35 and key 18 alone', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  const future: AnyApi = {
    ...ApiVersions,
    versions: [0, 9],
    request: { ...ApiVersions.request, isFlexible: () => true, write() {} } as never,
  }
  const frame = await client.answerTo(future, 9, {} as never)
  const { value } = decodeResponse(ApiVersions, 0, frame)
  assert.equal(value.errorCode, ErrorCodes.UNSUPPORTED_VERSION)
  assert.deepEqual(value.apiKeys, [{ apiKey: 18, minVersion: 0, maxVersion: 4 }])
})

test('every version of ApiVersions names the same APIs', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  for (const version of [0, 1, 2, 3, 4]) {
    const { errorCode, apiKeys } = await client.call(ApiVersions, version, named)
    assert.equal(errorCode, ErrorCodes.NONE)
    assert.deepEqual(
      apiKeys.map(({ apiKey }) => apiKey),
      [...handlers.keys()].sort((a, b) => a - b),
    )
  }
})

test('Produce is named from version 0 on, because older librdkafka takes that for compression', async () => {
  await using broker = await TestBroker.start()
  const { apiKeys } = await (await broker.client()).call(ApiVersions, 3, named)
  assert.deepEqual(
    apiKeys.find(({ apiKey }) => apiKey === 0),
    { apiKey: 0, minVersion: 0, maxVersion: 13 },
  )
})

test('a client that names itself badly is refused from version 3 on', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  for (const clientSoftwareName of ['', '-kafka', 'kafka-', 'a b']) {
    const { errorCode } = await client.call(ApiVersions, 3, { clientSoftwareName, clientSoftwareVersion: '1' })
    assert.equal(errorCode, ErrorCodes.INVALID_REQUEST, clientSoftwareName)
  }
})

test('only complete APIs are named: nothing of telemetry, or of delegation tokens', () => {
  const served = [...handlers.values()].map(({ api }) => api.name)
  for (const name of ['GetTelemetrySubscriptions', 'CreateDelegationToken']) {
    assert.ok(
      [...apis.values()].some(api => api.name === name),
      name,
    )
    assert.ok(!served.includes(name), name)
  }
})
