/** A partition whose storage does not work, beside one whose storage does. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  DeleteRecords,
  DescribeProducers,
  ErrorCodes,
  encodeBatch,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetForLeaderEpoch,
  Produce,
} from '@odradek/protocol'
import { type Disk, realDisk, realWorld } from '@odradek/world'
import { TestBroker } from './testing/test-broker.ts'

/** The file system, but for the log of partition 1 of topic t. */
const halfDisk: Disk = {
  ...realDisk,
  open: (path, mode) =>
    /\/t-1\/.*\.log$/.test(path)
      ? Promise.reject(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }))
      : realDisk.open(path, mode),
}

const both = <T extends object>(of: T) =>
  [0, 1].map(index => ({ ...of, index, partition: index, partitionIndex: index }))
const { NONE, KAFKA_STORAGE_ERROR } = ErrorCodes

async function withOneOffline(act: (broker: TestBroker) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-offline-'))
  const data = { folder }
  const batch = () => encodeBatch([{ value: 'a' }])
  try {
    {
      await using whole = await TestBroker.start({ world: realWorld(), data })
      await whole.topic('t', 2)
      const client = await whole.client()
      const partitionData = both({ records: batch() })
      await client.call(Produce, 9, { acks: -1, timeoutMs: 5000, topicData: [{ name: 't', partitionData }] })
    }
    await using half = await TestBroker.start({ world: { ...realWorld(), disk: halfDisk }, data })
    await act(half)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('a partition that is offline is refused with KAFKA_STORAGE_ERROR, the others of the same request are served', async () => {
  await withOneOffline(async broker => {
    const client = await broker.client()
    const topicData = [{ name: 't', partitionData: both({ records: encodeBatch([{ value: 'b' }]) }) }]
    const errorsOf = (rows: readonly { errorCode: number }[]) => rows.map(({ errorCode }) => errorCode)
    const produced = await client.call(Produce, 9, { acks: -1, timeoutMs: 5000, topicData })
    assert.deepEqual(errorsOf(produced.responses[0]!.partitionResponses), [NONE, KAFKA_STORAGE_ERROR])
    const topics = [{ topic: 't', partitions: both({ fetchOffset: 0, partitionMaxBytes: 1e6 }) }]
    const fetched = await client.call(Fetch, 11, { maxWaitMs: 10_000, minBytes: 1e6, topics })
    assert.deepEqual(errorsOf(fetched.responses[0]!.partitions), [NONE, KAFKA_STORAGE_ERROR])
    assert(fetched.responses[0]!.partitions[0]!.records!.length > 0)
    const listed = await client.call(ListOffsets, 5, {
      replicaId: -1,
      topics: [{ name: 't', partitions: both({ timestamp: -1 }) }],
    })
    assert.deepEqual(errorsOf(listed.topics[0]!.partitions), [NONE, KAFKA_STORAGE_ERROR])
    const epochs = await client.call(OffsetForLeaderEpoch, 4, {
      topics: [{ topic: 't', partitions: both({ leaderEpoch: 1 }) }],
    })
    assert.deepEqual(errorsOf(epochs.topics[0]!.partitions), [NONE, KAFKA_STORAGE_ERROR])
    const trimmed = await client.call(DeleteRecords, 2, {
      topics: [{ name: 't', partitions: both({ offset: 1 }) }],
      timeoutMs: 1000,
    })
    assert.deepEqual(errorsOf(trimmed.topics[0]!.partitions), [NONE, KAFKA_STORAGE_ERROR])
    const producers = await client.call(DescribeProducers, 0, { topics: [{ name: 't', partitionIndexes: [0, 1] }] })
    assert.deepEqual(errorsOf(producers.topics[0]!.partitions), [NONE, KAFKA_STORAGE_ERROR])
  })
})

test('a partition that is offline is shown as such, and spoils no other of its topic', async () => {
  await withOneOffline(async broker => {
    const client = await broker.client()
    const { topics } = await client.call(Metadata, 8, { topics: [{ name: 't' }], allowAutoTopicCreation: false })
    const shown = topics[0]!.partitions.map(({ errorCode, leaderId, isrNodes, offlineReplicas }) => {
      return { errorCode, leaderId, isrNodes, offlineReplicas }
    })
    const leaderId = shown[0]!.leaderId
    assert.deepEqual(shown, [
      { errorCode: NONE, leaderId, isrNodes: [leaderId], offlineReplicas: [] },
      { errorCode: NONE, leaderId, isrNodes: [], offlineReplicas: [leaderId] },
    ])
  })
})

test('the broker says what is offline, in its log and to the program that runs it', async () => {
  await withOneOffline(async broker => {
    const { damaged, offline } = broker.broker.health()
    assert.deepEqual({ damaged, offline }, { damaged: [], offline: [{ topic: 't', partition: 1 }] })
    assert.match(
      broker.lines.join('\n'),
      /error 0 damaged ranges in 0 partitions, 1 partition offline; `odradek log verify /,
    )
  })
})
