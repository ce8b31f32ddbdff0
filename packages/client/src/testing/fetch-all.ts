/** All records of a topic, partition after partition, by bare Fetch requests: so that a producer's tests do not rest on the consumer. */
import { decodeRecords, eachBatch, Fetch, type RecordHeader } from '@odradek/protocol'
import type { Kafka } from '../kafka.ts'
import type { TestCluster } from './test-cluster.ts'

export interface Fetched {
  readonly partition: number
  readonly offset: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
}

/** Waits until there are `atLeast` in each partition, or reads to where the partitions end now. */
export async function fetchAll(cluster: TestCluster, name: string, atLeast = 0): Promise<Fetched[]> {
  await using kafka = cluster.kafka()
  const records: Fetched[] = []
  for (const { partition, offset: end } of await kafka.admin().topics.offsets(name, 'latest')) {
    for (let at = 0; at < Math.max(end, atLeast); ) {
      const fetched = await fetchFrom(kafka, name, partition, at)
      records.push(...fetched)
      at = (fetched.at(-1)?.offset ?? at - 1) + 1
    }
  }
  return records
}

async function fetchFrom(kafka: Kafka, name: string, partition: number, at: number): Promise<Fetched[]> {
  const topic = kafka.cluster.topic(name)!
  const partitions = [{ partition, fetchOffset: at, partitionMaxBytes: 1024 * 1024 }]
  const input = {
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 8 * 1024 * 1024,
    isolationLevel: 0,
    topics: [{ topic: name, topicId: topic.topicId, partitions }],
  }
  const response = await kafka.cluster.call(kafka.cluster.leaderOf(name, partition), Fetch, input)
  const bytes = response.responses[0]?.partitions[0]?.records
  if (!bytes) return []
  const fetched: Fetched[] = []
  for (const { at: start } of eachBatch(bytes)) {
    for (const { offset, key, value, headers } of decodeRecords(bytes, start))
      if (offset >= at) fetched.push({ partition, offset, key, value, headers: [...headers] })
  }
  return fetched
}
