import { Buffer } from 'node:buffer'
import { type ErrorCode, ErrorCodes, OffsetCommit, type Request, type ResponseInput } from '@odradek/protocol'
import type { OffsetChange } from '../groups/committed-offset.ts'
import { coordinationError } from '../groups/coordination.ts'
import type { Handler, RequestContext } from '../handler.ts'
import { missingTopic, topicOf } from '../located.ts'

type Asked = Request<typeof OffsetCommit>
type AskedPartition = Asked['topics'][number]['partitions'][number]

/** Stores how far a group has read. Offsets that are fine are stored even if others are not. */
export const offsetCommit: Handler<typeof OffsetCommit> = {
  api: OffsetCommit,
  async handle(request, context) {
    const refused = coordinationError(request.groupId, context)
    if (refused !== ErrorCodes.NONE) return answer(request, () => refused)
    const errors = new Map<AskedPartition, ErrorCode>()
    const changes: OffsetChange[] = []
    for (const asked of request.topics) {
      const topic = topicOf(context.broker.cluster, asked.name, asked.topicId)
      for (const partition of asked.partitions) {
        const error = topic ? partitionError(partition, topic.partitions.length, context) : missingTopic(asked.topicId)
        if (error !== ErrorCodes.NONE) errors.set(partition, error)
        else changes.push(change(request, topic!.name, partition, context.broker.clock.now()))
      }
    }
    const claim = {
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationIdOrMemberEpoch,
      apiVersion: context.apiVersion,
    }
    const error = await context.broker.groups.commit(request.groupId, claim, changes)
    return answer(request, partition => errors.get(partition) ?? error)
  },
}

function partitionError(partition: AskedPartition, partitions: number, { broker }: RequestContext): ErrorCode {
  if (partition.partitionIndex < 0 || partition.partitionIndex >= partitions)
    return ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION
  const noteBytes = Buffer.byteLength(partition.committedMetadata ?? '')
  return noteBytes > broker.config.get('offset.metadata.max.bytes')
    ? ErrorCodes.OFFSET_METADATA_TOO_LARGE
    : ErrorCodes.NONE
}

function change({ retentionTimeMs }: Asked, topic: string, partition: AskedPartition, now: number): OffsetChange {
  return {
    topic,
    partition: partition.partitionIndex,
    committed: {
      offset: partition.committedOffset,
      leaderEpoch: partition.committedLeaderEpoch,
      metadata: partition.committedMetadata ?? '',
      commitTimestamp: now,
      expireTimestamp: retentionTimeMs === -1 ? -1 : now + retentionTimeMs,
    },
  }
}

function answer(request: Asked, errorOf: (partition: AskedPartition) => ErrorCode): ResponseInput<typeof OffsetCommit> {
  return {
    topics: request.topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(partition => ({
        partitionIndex: partition.partitionIndex,
        errorCode: errorOf(partition),
      })),
    })),
  }
}
