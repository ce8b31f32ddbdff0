/**
 * Batches that lie, over TCP: the right error code, nothing of them in the log, memory bounded whatever they unfold to, and the
 * bystander produces and fetches meanwhile.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import {
  CreateTopics,
  codecs,
  compress,
  crc32c,
  decodeRecords,
  ErrorCodes,
  eachBatch,
  encodeBatch,
  Fetch,
} from '@odradek/protocol'
import type { RawClient } from '../../packages/broker/src/testing/raw-client.ts'
import { fetchRequest, produceTo } from '../../packages/broker/src/testing/test-broker.ts'
import { Target } from './target.ts'

const mebibyte = 1024 * 1024
const { CORRUPT_MESSAGE, INVALID_RECORD, UNSUPPORTED_COMPRESSION_TYPE, INVALID_TIMESTAMP, MESSAGE_TOO_LARGE } =
  ErrorCodes
const honest = () =>
  Buffer.from(
    encodeBatch([
      { key: 'a', value: '1' },
      { key: 'b', value: '2' },
      { key: 'c', value: '3' },
    ]),
  )

/** A batch with some bytes of its header changed, and a true checksum again. */
function altered(change: (batch: Buffer) => void): Buffer {
  const batch = honest()
  change(batch)
  return resealed(batch)
}

/** The count and the last offset delta agree, and both lie. */
const counting = (records: number) => (batch: Buffer) => {
  batch.writeInt32BE(records, 57)
  batch.writeInt32BE(records - 1, 23)
}

function resealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17)
  return batch
}

/** The same lie, compressed. */
function zipped(plain: Buffer): Buffer {
  const batch = holding('gzip', gzipSync(plain.subarray(61)))
  plain.copy(batch, 23, 23, 61)
  return resealed(batch)
}

/** A batch that says it holds one record, compressed with `codec`, and holds these bytes. */
function holding(codec: (typeof codecs)[number], content: Uint8Array): Buffer {
  const batch = Buffer.concat([Buffer.from(encodeBatch([{ key: 'k', value: 'v' }])).subarray(0, 61), content])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt16BE(codecs.indexOf(codec), 21)
  return resealed(batch)
}

/** Whether the batch cannot be read or its records are at fault is a matter of taste. */
const contradictory = [CORRUPT_MESSAGE, INVALID_RECORD]

const lies: Record<string, { batch: Buffer; error: number | readonly number[] }> = {
  'a wrong checksum': { batch: Buffer.from(honest().fill(0x5a, 70, 71)), error: CORRUPT_MESSAGE },
  'a batch cut off': { batch: honest().subarray(0, -1), error: CORRUPT_MESSAGE },
  'a header cut off': { batch: honest().subarray(0, 40), error: CORRUPT_MESSAGE },
  'a byte after the batch': { batch: Buffer.concat([honest(), Buffer.alloc(1)]), error: INVALID_RECORD },
  'two batches': { batch: Buffer.concat([honest(), honest()]), error: INVALID_RECORD },
  'no batch': { batch: Buffer.alloc(0), error: INVALID_RECORD },
  'a length of -1': { batch: altered(b => b.writeInt32BE(-1, 8)), error: CORRUPT_MESSAGE },
  'a length of 2^31 - 1': { batch: altered(b => b.writeInt32BE(2 ** 31 - 1, 8)), error: CORRUPT_MESSAGE },
  'magic 0': { batch: altered(b => b.writeInt8(0, 16)), error: INVALID_RECORD },
  'magic 1': { batch: altered(b => b.writeInt8(1, 16)), error: INVALID_RECORD },
  'magic 3': { batch: altered(b => b.writeInt8(3, 16)), error: INVALID_RECORD },
  'more records in the count': { batch: altered(b => b.writeInt32BE(4, 57)), error: INVALID_RECORD },
  'fewer records in the count': { batch: altered(b => b.writeInt32BE(1, 57)), error: INVALID_RECORD },
  'a negative count': { batch: altered(b => b.writeInt32BE(-1, 57)), error: contradictory },
  'no records': { batch: altered(counting(0)), error: contradictory },
  'a last offset delta too large': { batch: altered(b => b.writeInt32BE(2 ** 31 - 1, 23)), error: INVALID_RECORD },
  'a negative last offset delta': { batch: altered(b => b.writeInt32BE(-5, 23)), error: contradictory },
  'a count and delta of two billion': {
    batch: altered(counting(2 ** 31 - 1)),
    error: INVALID_RECORD,
  },
  'the control bit': { batch: altered(b => b.writeInt16BE(0x20, 21)), error: INVALID_RECORD },
  'LogAppendTime of its own': { batch: altered(b => b.writeInt16BE(0x08, 21)), error: INVALID_TIMESTAMP },
  'compression 7': {
    batch: altered(b => b.writeInt16BE(0x07, 21)),
    error: [UNSUPPORTED_COMPRESSION_TYPE, CORRUPT_MESSAGE],
  },
  'a producer without epoch and sequence': { batch: altered(b => b.writeBigInt64BE(7n, 43)), error: INVALID_RECORD },
  'a timestamp far in the future': {
    batch: altered(b => b.writeBigInt64BE(BigInt(Date.now()) + 10n ** 12n, 35)),
    error: INVALID_TIMESTAMP,
  },
  'more than max.message.bytes': {
    batch: Buffer.from(encodeBatch([{ value: Buffer.alloc(2 * mebibyte) }])),
    error: MESSAGE_TOO_LARGE,
  },
}

const zeroes = Buffer.alloc(16 * mebibyte)
const repeated = (piece: Uint8Array, times: number) => Buffer.concat(Array.from({ length: times }, () => piece))
const snappyClaim = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x04, 0x00, 0x61])

/** Less than a MiB each, and up to 8 GiB unfolded. */
const bombs: Record<string, Buffer> = {
  'gzip: 60 members of 16 MiB': holding('gzip', repeated(gzipSync(zeroes), 60)),
  'zstd: 500 frames of 16 MiB': holding('zstd', repeated(zstdCompressSync(zeroes), 500)),
  'lz4: 14 frames of 16 MiB': holding('lz4', repeated(compress('lz4', zeroes), 14)),
  'snappy: a claim of 1 GiB': holding('snappy', snappyClaim),
  'gzip: a bomb in a bomb': holding('gzip', gzipSync(holding('gzip', repeated(gzipSync(zeroes), 60)))),
  'gzip: noise': holding('gzip', Buffer.alloc(1000, 0xa5)),
  'zstd: noise': holding('zstd', Buffer.alloc(1000, 0xa5)),
  'lz4: noise': holding('lz4', Buffer.alloc(1000, 0xa5)),
  'snappy: noise': holding('snappy', Buffer.alloc(1000, 0xa5)),
}

test('batches that lie', async t => {
  const target = await Target.start(t)
  const client = await target.connect()
  await createTopics(client)
  await produced(client, 'plain', honest())

  await t.test('are refused by their headers', async () => {
    for (const [name, { batch, error }] of Object.entries(lies)) {
      const { errorCode } = await produceTo(client, 'plain', batch)
      assert.ok([error].flat().includes(errorCode), `${name} was answered with ${errorCode}`)
    }
  })

  await t.test('are refused by what they hold, where the broker looks inside', async () => {
    const oneTooFew = altered(counting(2))
    const badLength = altered(b => b.writeInt8(-128, 61))
    for (const batch of [oneTooFew, badLength].flatMap(plain => [plain, zipped(plain)])) {
      assert.equal((await produceTo(client, 'compacted', batch)).errorCode, CORRUPT_MESSAGE)
      assert.equal((await produceTo(client, 'recompressed', batch)).errorCode, CORRUPT_MESSAGE)
    }
  })

  await t.test('may unfold to gigabytes, and are refused in bounded memory and time', async () => {
    for (const [name, batch] of Object.entries(bombs)) {
      assert.ok(batch.length < mebibyte, `${name} has ${batch.length} bytes`)
      for (const topic of ['compacted', ...(name.startsWith('lz4') ? [] : ['recompressed'])]) {
        const { errorCode } = await produceTo(client, topic, batch)
        assert.equal(errorCode, CORRUPT_MESSAGE, `${name}, to topic ${topic}`)
      }
    }
  })

  await t.test('leave nothing in the log, which everybody can still read', async () => {
    await produced(client, 'plain', honest())
    for (const topic of ['compacted', 'recompressed']) await produced(client, topic, honest())
    assert.deepEqual(await keysOf(client, 'plain'), ['a', 'b', 'c', 'a', 'b', 'c'])
    for (const topic of ['compacted', 'recompressed']) assert.deepEqual(await keysOf(client, topic), ['a', 'b', 'c'])
  })

  await target.bystander.rounds(20)
  const grown = Math.round(target.grownBytes / mebibyte)
  t.diagnostic(
    `slowest round of the bystander ${Math.round(target.bystander.slowestMs)} ms; memory grew by ${grown} MiB`,
  )
  // What is refused is garbage that V8 collects when it likes; it does not grow further.
  assert.ok(grown < 288, `memory grew by ${grown} MiB`)
  assert.ok(target.bystander.slowestMs < 2_000, `the bystander once waited ${target.bystander.slowestMs} ms`)
})

async function createTopics(client: RawClient): Promise<void> {
  const topic = (name: string, settings: Record<string, string> = {}) => ({
    ...{ name, numPartitions: 1, replicationFactor: 1, assignments: [] },
    configs: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
  })
  const topics = [
    topic('plain'),
    topic('compacted', { 'cleanup.policy': 'compact' }),
    topic('recompressed', { 'compression.type': 'lz4' }),
  ]
  const answer = await client.call(CreateTopics, 7, { topics, timeoutMs: 10_000 })
  assert.deepEqual(
    answer.topics.map(each => each.errorCode),
    [0, 0, 0],
  )
}

async function produced(client: RawClient, topic: string, batch: Uint8Array): Promise<void> {
  assert.equal((await produceTo(client, topic, batch)).errorCode, ErrorCodes.NONE)
}

async function keysOf(client: RawClient, topic: string): Promise<string[]> {
  const { responses } = await client.call(Fetch, 12, fetchRequest(topic, 0))
  const records = responses[0]!.partitions[0]!.records!
  return Array.from(eachBatch(records), batch =>
    Array.from(decodeRecords(records, batch.at), record => Buffer.from(record.key!).toString()),
  ).flat()
}
