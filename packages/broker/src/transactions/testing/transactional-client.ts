/** A transactional producer without any cleverness, over a raw connection: it says what it is told to say, in the version it is told. */
import {
  AddPartitionsToTxn,
  decodeRecords,
  EndTxn,
  eachBatch,
  encodeBatch,
  errorByCode,
  Fetch,
  InitProducerId,
  Produce,
} from '@odradek/protocol'
import type { RawClient } from '../../testing/raw-client.ts'
import { fetchRequest } from '../../testing/test-broker.ts'

export interface Identity {
  readonly id: string
  readonly producerId: bigint
  readonly epoch: number
}

const nameOf = (code: number): string => errorByCode(code).name

/** 'NONE', or why there is none. */
export async function tryInit(
  client: RawClient,
  id: string,
  { timeoutMs = 60_000, known }: { timeoutMs?: number; known?: Identity } = {},
): Promise<Identity & { error: string }> {
  const { errorCode, producerId, producerEpoch } = await client.call(InitProducerId, 5, {
    transactionalId: id,
    transactionTimeoutMs: timeoutMs,
    ...(known ? { producerId: known.producerId, producerEpoch: known.epoch } : {}),
  })
  return { error: nameOf(errorCode), id, producerId, epoch: producerEpoch }
}

export async function init(client: RawClient, id: string, timeoutMs = 60_000): Promise<Identity> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const { error, ...identity } = await tryInit(client, id, { timeoutMs })
    if (error === 'NONE') return identity
    if (error !== 'CONCURRENT_TRANSACTIONS') throw new Error(error)
  }
  throw new Error('the transaction before does not end')
}

export async function add(
  client: RawClient,
  { id, producerId, epoch }: Identity,
  topic: string,
  partitions: number[],
): Promise<string> {
  const { resultsByTopicV3AndBelow: results } = await client.call(AddPartitionsToTxn, 3, {
    ...{ v3AndBelowTransactionalId: id, v3AndBelowProducerId: producerId, v3AndBelowProducerEpoch: epoch },
    v3AndBelowTopics: [{ name: topic, partitions }],
  })
  return nameOf(results[0]!.resultsByPartition[0]!.partitionErrorCode)
}

/** Version 12 and later: partitions join by being written to. */
export async function send(
  client: RawClient,
  { id, producerId, epoch }: Identity,
  batch: { topic: string; partition?: number; sequence: number; values: string[]; version?: number },
): Promise<string> {
  const { topic: name, partition: index = 0, sequence: baseSequence, values, version = 12 } = batch
  const fields = { producerId, producerEpoch: epoch, baseSequence, transactional: true }
  const records = encodeBatch(
    values.map(value => ({ value })),
    fields,
  )
  const topicData = [{ name, partitionData: [{ index, records }] }]
  const response = await client.call(Produce, version, { transactionalId: id, acks: -1, timeoutMs: 5000, topicData })
  return nameOf(response.responses[0]!.partitionResponses[0]!.errorCode)
}

/** Version 5 and later: the answer says who the producer is from now on. */
export async function end(
  client: RawClient,
  { id, producerId, epoch }: Identity,
  committed: boolean,
  version = 5,
): Promise<Identity & { error: string }> {
  const request = { transactionalId: id, producerId, producerEpoch: epoch, committed }
  const answer = await client.call(EndTxn, version, request)
  const next = version >= 5 ? { producerId: answer.producerId, epoch: answer.producerEpoch } : { producerId, epoch }
  return { error: nameOf(answer.errorCode), id, ...next }
}

export interface Seen {
  /** What a reader of committed records makes of the partition. */
  readonly committed: string[]
  readonly lastStableOffset: number
  readonly highWatermark: number
}

const text = new TextDecoder()

export async function read(client: RawClient, topic: string, partition = 0): Promise<Seen> {
  const response = await client.call(Fetch, 12, fetchRequest(topic, 0, { isolationLevel: 1, partition }))
  const { records, abortedTransactions, highWatermark, lastStableOffset } = response.responses[0]!.partitions[0]!
  const aborted = (abortedTransactions ?? []).toSorted((a, b) => a.firstOffset - b.firstOffset)
  const isAborted = new Set<bigint>()
  const committed: string[] = []
  for (const batch of eachBatch(records ?? new Uint8Array())) {
    while (aborted.length > 0 && aborted[0]!.firstOffset <= batch.baseOffset) isAborted.add(aborted.shift()!.producerId)
    if (batch.isControl) isAborted.delete(batch.producerId)
    else if (!batch.isTransactional || !isAborted.has(batch.producerId))
      for (const { value } of decodeRecords(records!, batch.at)) committed.push(text.decode(value!))
  }
  return { committed, lastStableOffset, highWatermark }
}

/** Once everything in the partition is decided. */
export async function settled(client: RawClient, topic: string, partition = 0): Promise<Seen> {
  for (;;) {
    const seen = await read(client, topic, partition)
    if (seen.lastStableOffset === seen.highWatermark) return seen
  }
}
