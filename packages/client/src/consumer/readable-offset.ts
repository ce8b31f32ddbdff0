import { ErrorCodes, Fetch, noId, ProtocolError } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { noIdsBelow } from './fetch-lane.ts'
import type { TopicPartition } from './topic-partition.ts'

const patienceMs = 10_000

/** Whether the broker has anything but damage at an offset; asked with a small fetch. Rejects when it does not say. */
export async function isReadable(
  cluster: Cluster,
  { topic, partition }: TopicPartition,
  fetchOffset: number,
  purpose: string,
): Promise<boolean> {
  const topicId = cluster.topic(topic)?.topicId ?? noId
  const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1 }]
  const response = await cluster.call(
    cluster.leaderOf(topic, partition),
    Fetch,
    { maxWaitMs: 0, minBytes: 0, maxBytes: 1, topics: [{ topic, topicId, partitions }] },
    { purpose, timeoutMs: patienceMs, maxVersion: topicId === noId ? noIdsBelow : undefined },
  )
  const code = response.responses[0]?.partitions[0]?.errorCode ?? response.errorCode
  if (code === ErrorCodes.CORRUPT_MESSAGE) return false
  if (code === ErrorCodes.NONE || code === ErrorCodes.OFFSET_OUT_OF_RANGE) return true
  throw new ProtocolError(code, { api: Fetch.name, topic, partition })
}
