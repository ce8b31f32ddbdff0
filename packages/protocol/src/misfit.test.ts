import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeRequest } from './frames.ts'
import { Fetch } from './messages/fetch.ts'
import { InitProducerId } from './messages/init-producer-id.ts'
import { Metadata } from './messages/metadata.ts'

const header = { correlationId: 1, clientId: null }
const refuses = (api: any, version: number, value: unknown, message: string): void =>
  assert.throws(() => encodeRequest(api, version, header, value as any), { code: 'USAGE', message })

test('a value that cannot be encoded is refused with the name of the field', () => {
  refuses(
    Metadata,
    9,
    { topics: [{ name: 'text' }, { name: undefined }] },
    'MetadataRequest v9 cannot be encoded: topics[1].name: expected a string, got undefined',
  )
  refuses(
    Metadata,
    9,
    { topics: 'text' },
    "MetadataRequest v9 cannot be encoded: topics: expected an array, got 'text'",
  )
  refuses(Metadata, 9, {}, 'MetadataRequest v9 cannot be encoded: topics: expected an array, got undefined')
  refuses(
    Metadata,
    0,
    { topics: null },
    'MetadataRequest v0 cannot be encoded: topics: null is not allowed before version 1',
  )
})

test('numbers of the wrong kind are refused', () => {
  const partition = { partition: 0, fetchOffset: 5n, partitionMaxBytes: 1 }
  const request = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: 't', partitions: [partition] }] }
  refuses(
    Fetch,
    4,
    request,
    'FetchRequest v4 cannot be encoded: topics[0].partitions[0].fetchOffset: expected an integer within ±2^53, got 5',
  )
  refuses(
    InitProducerId,
    4,
    { transactionalId: null, transactionTimeoutMs: 1, producerId: 7, producerEpoch: 1 },
    'InitProducerIdRequest v4 cannot be encoded: producerId: expected a bigint, got 7',
  )
})

test('a string too long for its length is named by what is wrong with it', () => {
  refuses(
    Metadata,
    1,
    { topics: [{ name: 'x'.repeat(40_000) }] },
    'MetadataRequest v1 cannot be encoded: a string of 40000 bytes is too long; at most 32767 fit',
  )
})
