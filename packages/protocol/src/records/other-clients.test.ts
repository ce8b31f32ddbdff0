import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { createRecordsBatch, Reader, readRecordsBatch } from '@platformatic/kafka'
import { codecs, decodeRecords, encodeBatch, hasValidCrc, readBatch } from './index.ts'

/*
 * The same records, written by one implementation and read by another: ours against two that nobody here wrote.
 */

const require = createRequire(import.meta.url)
const kafkajsRecord = require('kafkajs/src/protocol/recordBatch/record/v0/index.js')
const kafkajsBatch = require('kafkajs/src/protocol/recordBatch/v0/index.js').RecordBatch
const kafkajsDecode = require('kafkajs/src/protocol/recordBatch/v0/decoder.js')
const KafkajsDecoder = require('kafkajs/src/protocol/decoder.js')

const base = 1_700_000_000_000
const sent = Array.from({ length: 200 }, (_, i) => ({
  key: i % 7 === 0 ? null : Buffer.from(`key-${i}`),
  value: i % 11 === 0 ? null : Buffer.from(`Grüße ${'.'.repeat((i * 37) % 300)}`),
  headers:
    i % 3 === 0
      ? [['trace', Buffer.from(`t${i}`)] as [string, Buffer], ['π', Buffer.alloc(0)] as [string, Buffer]]
      : [],
  // Far apart, and backwards too.
  timestamp: base + (i % 2 === 0 ? i * 86_400_000 : -i),
}))

const text = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString()
const plain = (record: {
  key: Uint8Array | null
  value: Uint8Array | null
  headers: [string, Uint8Array | null][]
  timestamp: number
}) => ({
  key: text(record.key),
  value: text(record.value),
  headers: record.headers.map(([name, value]) => [name, text(value)]),
  timestamp: record.timestamp,
})

const kafkajsCodec = { none: 0, gzip: 1 } as const

test('what kafkajs writes we read', async () => {
  for (const compression of ['none', 'gzip'] as const) {
    const records = sent.map((record, i) =>
      kafkajsRecord({
        ...record,
        offsetDelta: i,
        timestampDelta: record.timestamp - base,
        headers: Object.fromEntries(record.headers),
      }),
    )
    const { buffer } = await kafkajsBatch({
      compression: kafkajsCodec[compression],
      firstTimestamp: base,
      maxTimestamp: base,
      lastOffsetDelta: sent.length - 1,
      records,
    })
    assert.ok(hasValidCrc(buffer))
    assert.equal(readBatch(buffer).compression, compression)
    assert.deepEqual([...decodeRecords(buffer)].map(plain), sent.map(plain))
  }
})

test('what we write kafkajs reads', async () => {
  for (const compression of ['none', 'gzip'] as const) {
    const batch = await kafkajsDecode(
      new KafkajsDecoder(Buffer.from(encodeBatch(sent, { compression, baseOffset: 2 ** 33 }))),
    )
    const read = batch.records.map((record: any) => ({
      ...record,
      timestamp: Number(record.timestamp),
      headers: Object.entries(record.headers),
    }))
    assert.deepEqual(read.map(plain), sent.map(plain))
    assert.equal(batch.records[199].offset, String(2 ** 33 + 199))
  }
})

test('what @platformatic/kafka writes we read, by every codec', () => {
  // It loses the sign of a timestamp delta beyond 31 bits, so only the first 24 days are asked of it.
  const written = sent.slice(0, 24)
  for (const compression of codecs) {
    const messages = written.map(record => ({
      ...record,
      topic: 't',
      timestamp: BigInt(record.timestamp),
      headers: new Map(record.headers.map(([name, value]) => [Buffer.from(name), value])),
    }))
    const batch = createRecordsBatch(messages as any, { compression } as any).dynamicBuffer.buffer
    assert.ok(hasValidCrc(batch))
    assert.equal(readBatch(batch).compression, compression)
    assert.deepEqual([...decodeRecords(batch)].map(plain), written.map(plain), compression)
  }
})

test('what we write @platformatic/kafka reads, by every codec', () => {
  for (const compression of codecs) {
    const batch = readRecordsBatch(Reader.from(Buffer.from(encodeBatch(sent, { compression })) as any)) as any
    const read = batch.records.map((record: any) => ({
      ...record,
      headers: record.headers.map(([name, value]: [Buffer, Buffer]) => [name.toString(), value]),
      timestamp: Number(batch.firstTimestamp + record.timestampDelta),
    }))
    assert.deepEqual(read.map(plain), sent.map(plain), compression)
  }
})
