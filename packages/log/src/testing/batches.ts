/** Record batches for tests, as a producer would send them. */
import { decodeRecords, eachBatch, encodeBatch } from '@odradek/protocol'
import { defaultLogConfig } from '../default-log-config.ts'
import type { AppendBatch, LogConfig, PartitionId, ReadResult, TopicSpec } from '../engine.ts'

export interface BatchSpec {
  partition?: PartitionId
  values?: readonly string[]
  /** Of the first record; each following one is 1 ms later. */
  timestamp?: number
  producerId?: bigint
  producerEpoch?: number
  baseSequence?: number
}

export function batchOf({
  partition = 1,
  values = ['a'],
  timestamp = 1000,
  producerId = -1n,
  producerEpoch = -1,
  baseSequence = -1,
}: BatchSpec = {}): AppendBatch {
  const records = values.map((value, i) => ({ value, timestamp: timestamp + i }))
  const bytes = encodeBatch(records, { producerId, producerEpoch, baseSequence })
  return {
    ...{ partition, bytes, recordCount: values.length, offsetCount: values.length },
    ...{ maxTimestamp: timestamp + values.length - 1, producerId, producerEpoch, baseSequence },
    ...{ transactional: false, control: false },
  }
}

/** Nothing goes by its age: the records of tests are from 1970. */
export const config: LogConfig = { ...defaultLogConfig, retentionMs: -1, segmentMs: -1 }

/** A topic with partitions 0 and 1, known to the engine as 1 and 2. */
export function topicOf(changes: Partial<LogConfig> = {}, topicId = '0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c01'): TopicSpec {
  const partitions = [
    { index: 0, id: 1 },
    { index: 1, id: 2 },
  ]
  return { topicId, name: 'orders', partitions, config: { ...config, ...changes } }
}

export interface FoundRecord {
  offset: number
  value: string
}

const text = new TextDecoder()

/** The records a consumer would see: those of whole batches, from its offset on. */
export function recordsOf(result: ReadResult | undefined, from = 0): FoundRecord[] {
  if (result === undefined || !result.ok) throw new Error(`no records: ${JSON.stringify(result)}`)
  const found: FoundRecord[] = []
  for (const chunk of result.chunks) {
    for (const { at } of eachBatch(chunk)) {
      for (const { offset, value } of decodeRecords(chunk, at)) {
        if (offset >= from) found.push({ offset, value: text.decode(value!) })
      }
    }
  }
  return found
}

export const valuesOf = (result: ReadResult | undefined, from = 0): string[] =>
  recordsOf(result, from).map(({ value }) => value)
