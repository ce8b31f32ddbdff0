import { type ErrorCode, ErrorCodes, OffsetCommit, type Request, type ResponseInput } from '@odradek/protocol'
import type { OffsetChange } from '../groups/committed-offset.ts'
import { coordinationError } from '../groups/coordination.ts'
import { offsetChange, offsetError } from '../groups/offset-check.ts'
import type { Handler } from '../handler.ts'
import { missingTopic, topicOf } from '../located.ts'

type Asked = Request<typeof OffsetCommit>
type AskedPartition = Asked['topics'][number]['partitions'][number]

/** Stores how far a group has read. Offsets that are fine are stored even if others are not. */
export const offsetCommit: Handler<typeof OffsetCommit> = {
  api: OffsetCommit,
  async handle(request, context) {
    const { broker } = context
    const refused = coordinationError(request.groupId, context)
    if (refused !== ErrorCodes.NONE) return answer(request, () => refused)
    const now = broker.clock.now()
    const { retentionTimeMs } = request
    const times = { commitTimestamp: now, expireTimestamp: retentionTimeMs === -1 ? -1 : now + retentionTimeMs }
    const maxMetadataBytes = broker.config.get('offset.metadata.max.bytes')
    const errors = new Map<AskedPartition, ErrorCode>()
    const changes: OffsetChange[] = []
    for (const asked of request.topics) {
      const topic = topicOf(broker.cluster, asked.name, asked.topicId)
      for (const partition of asked.partitions) {
        const partitions = topic?.partitions.length ?? 0
        const error = topic ? offsetError(partition, { partitions, maxMetadataBytes }) : missingTopic(asked.topicId)
        if (error !== ErrorCodes.NONE) errors.set(partition, error)
        else changes.push(offsetChange(topic!.name, partition, times))
      }
    }
    const claim = {
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationIdOrMemberEpoch,
      apiVersion: context.apiVersion,
    }
    const error = await broker.groups.commit(request.groupId, claim, changes)
    return answer(request, partition => errors.get(partition) ?? error)
  },
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
