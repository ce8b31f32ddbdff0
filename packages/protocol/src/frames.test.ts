import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  correlationIdOf,
  decodeRequestBody,
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from './frames.ts'
import { ApiVersions } from './messages/api-versions.ts'
import { Fetch } from './messages/fetch.ts'
import { Heartbeat } from './messages/heartbeat.ts'
import { Metadata } from './messages/metadata.ts'
import { Produce } from './messages/produce.ts'
import { noId } from './schema.ts'

/** Bytes written out by hand, after Kafka's protocol guide: a word or two per field. */
const bytesOf = (...parts: string[]): Buffer => Buffer.from(parts.join('').replaceAll(' ', ''), 'hex')
const ascii = (text: string): string => Buffer.from(text).toString('hex')
const joined = (chunks: readonly Uint8Array[]): Buffer => Buffer.concat(chunks)
const header = { correlationId: 1, clientId: 'cli' }

test('ApiVersions v0: a request is nothing but its header', () => {
  const frame = bytesOf('0000000d', '0012', '0000', '00000001', '0003', ascii('cli'))
  assert.deepEqual(
    joined(encodeRequest(ApiVersions, 0, header, { clientSoftwareName: '', clientSoftwareVersion: '' })),
    frame,
  )
  assert.deepEqual(decodeRequestHeader(frame.subarray(4)), { apiKey: 18, apiVersion: 0, ...header, bodyAt: 13 })
})

test('ApiVersions v0: the response lists keys with their versions', () => {
  const frame = bytesOf('00000016', '00000001', '0000', '00000002', '0000 0000 000d', '0012 0000 0004')
  const value = {
    errorCode: 0,
    apiKeys: [
      { apiKey: 0, minVersion: 0, maxVersion: 13 },
      { apiKey: 18, minVersion: 0, maxVersion: 4 },
    ],
  }
  assert.deepEqual(joined(encodeResponse(ApiVersions, 0, 1, value)), frame)
})

test('ApiVersions v3: compact strings and tags, with a client id that is still not compact', () => {
  const frame = bytesOf(
    '0000001c',
    '0012 0003 00000001',
    `0003 ${ascii('cli')}`,
    '00', // tags of the header
    `09 ${ascii('odradek!')}`,
    `04 ${ascii('0.1')}`,
    '00',
  )
  const value = { clientSoftwareName: 'odradek!', clientSoftwareVersion: '0.1' }
  assert.deepEqual(joined(encodeRequest(ApiVersions, 3, header, value)), frame)
  assert.deepEqual(decodeRequestBody(ApiVersions, 3, frame.subarray(4), 13), value)
})

test('ApiVersions v3: the response has no tags in its header, and features as tagged fields', () => {
  const body = bytesOf(
    '00000001', // header v0
    '0000',
    '02 0012 0000 0004 00', // one key
    '00000000', // throttle time
    '03', // three tagged fields
    `00 0c 02 06 ${ascii('group')} 0000 0001 00`,
    '01 08 0000000000000007',
    `02 0c 02 06 ${ascii('group')} 0001 0000 00`,
  )
  const value = {
    errorCode: 0,
    apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
    throttleTimeMs: 0,
    supportedFeatures: [{ name: 'group', minVersion: 0, maxVersion: 1 }],
    finalizedFeaturesEpoch: 7,
    finalizedFeatures: [{ name: 'group', maxVersionLevel: 1, minVersionLevel: 0 }],
    zkMigrationReady: false,
  }
  assert.deepEqual(joined(encodeResponse(ApiVersions, 3, 1, value)).subarray(4), body)
  assert.deepEqual(decodeResponse(ApiVersions, 3, body), { correlationId: 1, value })
})

test('Metadata v1: null topics ask for all, an empty list for none', () => {
  const all = bytesOf('00000011', '0003 0001 00000001', `0003 ${ascii('cli')}`, 'ffffffff')
  const none = bytesOf('00000011', '0003 0001 00000001', `0003 ${ascii('cli')}`, '00000000')
  assert.deepEqual(joined(encodeRequest(Metadata, 1, header, { topics: null })), all)
  assert.deepEqual(joined(encodeRequest(Metadata, 1, header, { topics: [] })), none)
  assert.equal(decodeRequestBody(Metadata, 1, all.subarray(4), 13).topics, null)
  assert.deepEqual(decodeRequestBody(Metadata, 1, none.subarray(4), 13).topics, [])
})

test('Metadata v9: compact arrays, where null is 0 and empty is 1', () => {
  const start = ['0003 0009 00000001', `0003 ${ascii('cli')}`, '00']
  const one = bytesOf('00000019', ...start, `02 05 ${ascii('text')} 00`, '01 00 00', '00')
  const value = { topics: [{ name: 'text' }], allowAutoTopicCreation: true }
  assert.deepEqual(joined(encodeRequest(Metadata, 9, header, value)), one)
  const all = bytesOf('00000013', ...start, '00', '01 00 00', '00')
  assert.deepEqual(joined(encodeRequest(Metadata, 9, header, { ...value, topics: null })), all)
  const none = bytesOf('00000013', ...start, '01', '01 00 00', '00')
  assert.deepEqual(joined(encodeRequest(Metadata, 9, header, { ...value, topics: [] })), none)
})

test('Metadata v0 cannot ask with null, and says so', () => {
  assert.throws(() => encodeRequest(Metadata, 0, header, { topics: null }), {
    code: 'USAGE',
    message: /^MetadataRequest v0 cannot be encoded/,
  })
})

const fetchRequest = {
  replicaId: -1,
  maxWaitMs: 500,
  minBytes: 1,
  topics: [{ topic: 'text', partitions: [{ partition: 2, fetchOffset: 0x1_0000_0005, partitionMaxBytes: 1024 }] }],
}

test('Fetch v12: every default of a field that was left out is on the wire', () => {
  const body = bytesOf(
    'ffffffff 000001f4 00000001 7fffffff 00', // replica, wait, min, max, isolation
    '00000000 ffffffff', // no session
    `02 05 ${ascii('text')}`,
    '02 00000002 ffffffff 0000000100000005 ffffffff ffffffffffffffff 00000400 00',
    '00', // tags of the topic
    '01', // nothing forgotten
    '01', // no rack
    '00',
  )
  const frame = joined(encodeRequest(Fetch, 12, header, fetchRequest))
  assert.deepEqual(frame.subarray(18), body)
  const decoded = decodeRequestBody(Fetch, 12, frame.subarray(4), 13)
  assert.equal(decoded.topics[0]!.partitions[0]!.fetchOffset, 0x1_0000_0005)
  assert.equal(decoded.topics[0]!.topicId, noId)
  assert.deepEqual(decoded.replicaState, { replicaId: -1, replicaEpoch: -1 })
})

test('Fetch v13 asks by topic id, sixteen bytes without a length', () => {
  const topicId = '01234567-89ab-4def-8123-456789abcdef'
  const frame = joined(encodeRequest(Fetch, 13, header, { ...fetchRequest, topics: [{ topicId, partitions: [] }] }))
  assert.ok(frame.includes(bytesOf('02 0123456789ab4def8123456789abcdef 01 00')))
  assert.equal(decodeRequestBody(Fetch, 13, frame.subarray(4), 13).topics[0]!.topicId, topicId)
})

test('a large byte field travels by reference, between two chunks of its frame', () => {
  const batch = new Uint8Array(10_000).fill(9)
  const partitions = [
    { partitionIndex: 0, errorCode: 0, highWatermark: 1, abortedTransactions: null, records: [batch, batch] },
  ]
  const chunks = encodeResponse(Fetch, 4, 5, { responses: [{ topic: 't', partitions }] })
  assert.deepEqual(
    [chunks[1], chunks[2]].map(chunk => chunk === batch),
    [true, true],
  )
  const { value } = decodeResponse(Fetch, 4, joined(chunks).subarray(4))
  assert.deepEqual(value.responses[0]!.partitions[0]!.records, new Uint8Array(20_000).fill(9))
})

test('unknown tagged fields are skipped, in the header as in the body', () => {
  const frame = bytesOf(
    '000c 0004 00000001',
    `0003 ${ascii('cli')}`,
    '01 07 03 aabbcc', // a tag in the header
    `02 ${ascii('g')} 00000005 02 ${ascii('m')} 00`,
    '02 00 00 63 01 ff', // two tags in the body
  )
  const { bodyAt } = decodeRequestHeader(frame)
  const expected = { groupId: 'g', generationId: 5, memberId: 'm', groupInstanceId: null }
  assert.deepEqual(decodeRequestBody(Heartbeat, 4, frame, bodyAt), expected)
})

test('an unknown tag between known ones is skipped', () => {
  const encoded = joined(
    encodeResponse(Produce, 10, 1, {
      responses: [],
      nodeEndpoints: [{ nodeId: 1, host: 'h', port: 9092 }],
    }),
  ).subarray(4)
  const endpoints = encoded.subarray(encoded.length - 16)
  assert.equal(endpoints[0], 1, 'one tagged field, with tag 0')
  const extended = Buffer.concat([
    encoded.subarray(0, -16),
    bytesOf('03'),
    endpoints.subarray(1),
    bytesOf('05 02 0102 09 00'),
  ])
  assert.deepEqual(decodeResponse(Produce, 10, extended).value.nodeEndpoints, [
    { nodeId: 1, host: 'h', port: 9092, rack: null },
  ])
})

test('a tagged field longer than 127 bytes has a size of two bytes', () => {
  const host = 'h'.repeat(200)
  const chunks = encodeResponse(Produce, 10, 1, { responses: [], nodeEndpoints: [{ nodeId: 1, host, port: 9092 }] })
  const { value } = decodeResponse(Produce, 10, joined(chunks).subarray(4))
  assert.equal(value.nodeEndpoints[0]!.host, host)
})

test('tagged fields at their default do not travel', () => {
  const leader = { leaderId: -1, leaderEpoch: -1 }
  const partition = { index: 0, errorCode: 0, baseOffset: 0 }
  const partitionsOf = (partitionResponses: object[]): any => ({ responses: [{ name: 't', partitionResponses }] })
  const without = joined(encodeResponse(Produce, 10, 1, partitionsOf([partition])))
  assert.deepEqual(
    joined(encodeResponse(Produce, 10, 1, partitionsOf([{ ...partition, currentLeader: leader }]))),
    without,
  )
})

test('the correlation id is a signed 32-bit integer', () => {
  for (const correlationId of [-0x8000_0000, -1, 0, 0x7fff_ffff]) {
    const frame = joined(encodeResponse(Heartbeat, 4, correlationId, { errorCode: 0 })).subarray(4)
    assert.equal(correlationIdOf(frame), correlationId)
    assert.equal(decodeResponse(Heartbeat, 4, frame).correlationId, correlationId)
  }
})

test('a version that is not in the table is refused in both directions', () => {
  assert.throws(() => encodeRequest(Heartbeat, 5, header, { groupId: '', generationId: 0, memberId: '' }), {
    code: 'USAGE',
    message: 'HeartbeatRequest has no version 5; versions 0 to 4 are known',
  })
  assert.throws(() => decodeRequestBody(Heartbeat, 99, new Uint8Array(100), 20), { code: 'DECODE' })
})
