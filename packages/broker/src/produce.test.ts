import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Codec,
  codecs,
  compress,
  crc32c,
  decodeRecords,
  type EncodeBatchOptions,
  ErrorCodes,
  encodeBatch,
  Fetch,
  InitProducerId,
  Metadata,
  Produce,
  readBatch,
} from '@odradek/protocol'
import { fetchRequest, produceRequest, produceTo, TestBroker } from './testing/test-broker.ts'

const one = [{ key: 'k', value: 'v', timestamp: 1000 }]
const two = [...one, { key: 'l', value: 'w', timestamp: 1001 }]

/** A batch changed in one place, with a checksum that is true again. */
function spoiled(change: (batch: Buffer) => void, options: EncodeBatchOptions = {}): Uint8Array {
  const batch = Buffer.from(encodeBatch(two, options))
  change(batch)
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17)
  return batch
}

/** A batch whose records are what `codec` makes of very many zeros. */
function bomb(codec: Codec, bytes: number): Uint8Array {
  const records = compress(codec, new Uint8Array(bytes))
  const batch = Buffer.concat([Buffer.from(encodeBatch(one)).subarray(0, 61), records])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt16BE(codecs.indexOf(codec), 21)
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17)
  return batch
}

const inAnHour = Date.now() + 2 * 3_600_000

const refused: Record<string, { batch: Uint8Array | null; error: number; version?: number }> = {
  'no records at all': { batch: null, error: ErrorCodes.INVALID_RECORD },
  'an empty list of records': { batch: new Uint8Array(0), error: ErrorCodes.INVALID_RECORD },
  'less than a header': { batch: Buffer.from(encodeBatch(one)).subarray(0, 60), error: ErrorCodes.CORRUPT_MESSAGE },
  'a batch that is cut off': { batch: encodeBatch(one).subarray(0, -1), error: ErrorCodes.CORRUPT_MESSAGE },
  'two batches': { batch: Buffer.concat([encodeBatch(one), encodeBatch(one)]), error: ErrorCodes.INVALID_RECORD },
  'bytes after the batch': {
    batch: Buffer.concat([encodeBatch(one), Buffer.alloc(3)]),
    error: ErrorCodes.INVALID_RECORD,
  },
  'magic 1': { batch: spoiled(batch => (batch[16] = 1)), error: ErrorCodes.INVALID_RECORD },
  'magic of the future': { batch: spoiled(batch => (batch[16] = 3)), error: ErrorCodes.INVALID_RECORD },
  'a negative length': { batch: spoiled(batch => batch.writeInt32BE(-1, 8)), error: ErrorCodes.CORRUPT_MESSAGE },
  'a flipped bit': { batch: flipped(encodeBatch(one)), error: ErrorCodes.CORRUPT_MESSAGE },
  'no record in the batch': { batch: spoiled(batch => batch.writeInt32BE(0, 57)), error: ErrorCodes.INVALID_RECORD },
  'a negative count': { batch: spoiled(batch => batch.writeInt32BE(-1, 57)), error: ErrorCodes.CORRUPT_MESSAGE },
  'a count that lies': { batch: spoiled(batch => batch.writeInt32BE(1000, 57)), error: ErrorCodes.INVALID_RECORD },
  'a last offset delta that lies': {
    batch: spoiled(batch => batch.writeInt32BE(7, 23)),
    error: ErrorCodes.INVALID_RECORD,
  },
  'a delete horizon, which is compaction’s to set': {
    batch: spoiled(batch => batch.writeInt16BE(0x40, 21)),
    error: ErrorCodes.INVALID_RECORD,
  },
  'a control batch': { batch: spoiled(batch => batch.writeInt16BE(0x20, 21)), error: ErrorCodes.INVALID_RECORD },
  'a producer without a sequence': {
    batch: spoiled(() => {}, { producerId: 7n, producerEpoch: 0, baseSequence: -2 }),
    error: ErrorCodes.INVALID_RECORD,
  },
  'a batch of a transaction nobody names': {
    batch: encodeBatch(one, { producerId: 7n, producerEpoch: 0, baseSequence: 0, transactional: true }),
    error: ErrorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  },
  'a codec that does not exist': {
    batch: spoiled(batch => batch.writeInt16BE(5, 21)),
    error: ErrorCodes.UNSUPPORTED_COMPRESSION_TYPE,
  },
  'zstd before version 7': {
    batch: encodeBatch(one, { compression: 'zstd' }),
    error: ErrorCodes.UNSUPPORTED_COMPRESSION_TYPE,
    version: 6,
  },
  'a timestamp far ahead': {
    batch: encodeBatch([{ value: 'v', timestamp: inAnHour }]),
    error: ErrorCodes.INVALID_TIMESTAMP,
  },
  'LogAppendTime set by a client': {
    batch: spoiled(batch => batch.writeInt16BE(0x08, 21)),
    error: ErrorCodes.INVALID_TIMESTAMP,
  },
  'more than max.message.bytes': {
    batch: encodeBatch([{ value: Buffer.alloc(1_100_000) }]),
    error: ErrorCodes.MESSAGE_TOO_LARGE,
  },
}

function flipped(batch: Uint8Array): Uint8Array {
  batch[batch.length - 2]! ^= 1
  return batch
}

test('a batch that is not in order is refused with the right error, and the next one is accepted', async t => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  for (const [name, { batch, error, version = 9 }] of Object.entries(refused)) {
    await t.test(name, async () => {
      const answer = await produceTo(client, 't', batch, version)
      assert.equal(answer.errorCode, error)
      if (version >= 8) assert.ok(answer.errorMessage)
    })
  }
  assert.equal((await produceTo(client, 't', one)).baseOffset, 0)
})

test('every version appends', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  const { topics } = await client.call(Metadata, 12, { topics: [{ name: 't' }] })
  for (let version = 3; version <= 13; version++) {
    const request = produceRequest('t', encodeBatch(one))
    const byId = { ...request, topicData: [{ ...request.topicData[0]!, topicId: topics[0]!.topicId }] }
    const { responses } = await client.call(Produce, version, version < 13 ? request : byId)
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
    assert.deepEqual({ errorCode, baseOffset }, { errorCode: 0, baseOffset: version - 3 })
  }
})

test('what is missing or elsewhere is said per partition', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  const errorOf = async (request: ReturnType<typeof produceRequest>, version = 9) =>
    (await client.call(Produce, version, request)).responses[0]!.partitionResponses[0]!.errorCode
  const batch = encodeBatch(one)
  assert.equal(await errorOf(produceRequest('nowhere', batch)), ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal(await errorOf(produceRequest('t', batch, { partition: 1 })), ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal(await errorOf(produceRequest('t', batch, { acks: 2 })), ErrorCodes.INVALID_REQUIRED_ACKS)
  const stranger = { topicId: '11111111-1111-4111-8111-111111111111', partitionData: [{ index: 0, records: batch }] }
  assert.equal(await errorOf({ acks: 1, timeoutMs: 100, topicData: [stranger] }, 13), ErrorCodes.UNKNOWN_TOPIC_ID)
})

test('a timestamp out of range is told with the limit it passes, and the setting that makes it', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('open')
  await broker.topic('narrow', 1, { 'message.timestamp.before.max.ms': '1000' })
  const client = await broker.client()
  const late = await produceTo(client, 'open', [{ value: 'v', timestamp: inAnHour }])
  const latest = 'the latest that message.timestamp.after.max.ms allows'
  assert.match(late.errorMessage!, new RegExp(`^The timestamp ${inAnHour} is later than \\d+, ${latest}\\.$`))
  const early = await produceTo(client, 'narrow', one)
  const earliest = 'the earliest that message.timestamp.before.max.ms allows'
  assert.match(early.errorMessage!, new RegExp(`^The timestamp 1000 is earlier than \\d+, ${earliest}\\.$`))
})

test('min.insync.replicas above one makes acks=all fail, and only that', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t', 1, { 'min.insync.replicas': '2' })
  const client = await broker.client()
  assert.equal((await produceTo(client, 't', one)).errorCode, ErrorCodes.NOT_ENOUGH_REPLICAS)
  const { responses } = await client.call(Produce, 9, produceRequest('t', encodeBatch(one), { acks: 1 }))
  assert.equal(responses[0]!.partitionResponses[0]!.errorCode, ErrorCodes.NONE)
})

test('acks=0 is not answered, and the log has it all the same', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  client.tell(Produce, 9, produceRequest('t', encodeBatch(one), { acks: 0 }))
  assert.equal((await produceTo(client, 't', one)).baseOffset, 1)
  assert.deepEqual(client.answered, [2])
})

test('acks=0 with an error closes the connection', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  client.tell(Produce, 9, produceRequest('nowhere', encodeBatch(one), { acks: 0 }))
  await client.closed
  assert.match(broker.lines.at(-1)!, /acks=0 failed with error 3/)
})

test('pipelined batches of a producer land in their order and are answered in it', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  const answers = Array.from({ length: 50 }, (_, i) => produceTo(client, 't', [{ value: String(i) }]))
  const offsets = (await Promise.all(answers)).map(answer => answer.baseOffset)
  assert.deepEqual(offsets, [...offsets.keys()])
  assert.deepEqual(
    client.answered,
    [...client.answered].sort((a, b) => a - b),
  )
})

test('an idempotent producer that sends a batch again gets the offset of the first time', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  const { producerId, producerEpoch } = await client.call(InitProducerId, 4, {
    transactionalId: null,
    transactionTimeoutMs: 0,
  })
  const batch = (baseSequence: number) => encodeBatch(two, { producerId, producerEpoch, baseSequence })
  assert.equal((await produceTo(client, 't', batch(0))).baseOffset, 0)
  assert.equal((await produceTo(client, 't', batch(2))).baseOffset, 2)
  const again = await produceTo(client, 't', batch(0))
  assert.deepEqual([again.errorCode, again.baseOffset], [ErrorCodes.NONE, 0])
  assert.equal((await produceTo(client, 't', batch(9))).errorCode, ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
})

test('a compacted topic names the records that have no key', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t', 1, { 'cleanup.policy': 'compact' })
  const client = await broker.client()
  const answer = await produceTo(
    client,
    't',
    encodeBatch([...one, { value: 'no key' }, { key: '', value: 'empty key' }], { compression: 'gzip' }),
  )
  assert.equal(answer.errorCode, ErrorCodes.INVALID_RECORD)
  assert.deepEqual(
    answer.recordErrors.map(error => error.batchIndex),
    [1],
  )
  assert.equal((await produceTo(client, 't', one)).errorCode, ErrorCodes.NONE)
})

test('compression.type of a topic makes the broker compress anew', async t => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  for (const type of ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']) {
    await t.test(type, async () => {
      await broker.topic(type, 1, { 'compression.type': type })
      await produceTo(client, type, encodeBatch(two, { compression: 'snappy' }))
      const { responses } = await client.call(Fetch, 12, fetchRequest(type, 0))
      const records = responses[0]!.partitions[0]!.records!
      assert.equal(readBatch(records).compression, type === 'uncompressed' ? 'none' : type)
      assert.deepEqual(
        Array.from(decodeRecords(records), record => Buffer.from(record.value!).toString()),
        ['v', 'w'],
      )
    })
  }
})

test('a compression bomb is refused where the broker must look inside, and its memory stays bounded', async t => {
  await using broker = await TestBroker.start({ config: { 'odradek.max.decompressed.bytes': '10000000' } })
  await broker.topic('compacted', 1, { 'cleanup.policy': 'compact' })
  await broker.topic('recompressed', 1, { 'compression.type': 'lz4' })
  const client = await broker.client()
  for (const codec of ['gzip', 'snappy', 'zstd'] as const) {
    await t.test(codec, async () => {
      for (const topic of ['compacted', 'recompressed']) {
        const answer = await produceTo(client, topic, bomb(codec, 20_000_000))
        assert.equal(answer.errorCode, ErrorCodes.CORRUPT_MESSAGE)
      }
    })
  }
})
