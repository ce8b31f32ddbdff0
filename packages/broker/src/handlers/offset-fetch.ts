import { type ErrorCode, ErrorCodes, noId, OffsetFetch } from '@odradek/protocol'
import type { CommittedOffset, GroupOffsets } from '../groups/committed-offset.ts'
import { coordinationError } from '../groups/coordination.ts'
import type { Handler, RequestContext } from '../handler.ts'
import { missingTopic, topicOf } from '../located.ts'

interface FoundGroup {
  groupId: string
  topics: FoundTopic[]
  errorCode: ErrorCode
}

interface FoundTopic {
  name: string
  topicId: string
  partitions: ReturnType<typeof found>[]
}

interface AskedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitionIndexes: readonly number[]
}

/** How far groups have read. No offset is not an error: it is offset -1. */
export const offsetFetch: Handler<typeof OffsetFetch> = {
  api: OffsetFetch,
  async handle(request, context) {
    if (context.apiVersion >= 8) {
      return {
        groups: await Promise.all(request.groups.map(({ groupId, topics }) => offsetsOf(groupId, topics, context))),
      }
    }
    const topics = request.topics?.map(topic => ({ ...topic, topicId: noId })) ?? null
    const group = await offsetsOf(request.groupId, topics, context)
    const { errorCode } = group
    // Before version 2 a failed group shows in each of its partitions.
    if (context.apiVersion >= 2 || errorCode === ErrorCodes.NONE) return { topics: group.topics, errorCode }
    const failed = (partitionIndex: number) => found(partitionIndex, undefined, errorCode)
    return {
      topics: (topics ?? []).map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map(failed) })),
    }
  },
}

async function offsetsOf(
  groupId: string,
  asked: readonly AskedTopic[] | null,
  context: RequestContext,
): Promise<FoundGroup> {
  const errorCode: ErrorCode = coordinationError(groupId, context)
  if (errorCode !== ErrorCodes.NONE) return { groupId, topics: [], errorCode }
  const offsets = context.broker.groups.offsets(groupId)
  const topics = asked ? asked.map(topic => askedOffsets(topic, offsets, context)) : allOffsets(offsets, context)
  return { groupId, topics, errorCode }
}

function askedOffsets(asked: AskedTopic, offsets: GroupOffsets, { broker, apiVersion }: RequestContext): FoundTopic {
  const { name, topicId, partitionIndexes } = asked
  const topic = topicOf(broker.cluster, name, topicId)
  const committed = offsets.get(topic?.name ?? name)
  const error = apiVersion >= 10 && topic === undefined ? missingTopic(topicId) : ErrorCodes.NONE
  const partitions = partitionIndexes.map(index => found(index, committed?.get(index), error))
  return { name, topicId, partitions }
}

function allOffsets(offsets: GroupOffsets, { broker, apiVersion }: RequestContext): FoundTopic[] {
  return Array.from(offsets, ([name, partitions]) => ({
    name,
    topicId: broker.cluster.topic(name)?.id ?? noId,
    partitions: Array.from(partitions, ([index, committed]) => found(index, committed)),
    // A topic that is gone has no id to be named by.
  })).filter(topic => apiVersion < 10 || topic.topicId !== noId)
}

function found(partitionIndex: number, committed: CommittedOffset | undefined, errorCode: ErrorCode = ErrorCodes.NONE) {
  return {
    partitionIndex,
    committedOffset: committed?.offset ?? -1,
    committedLeaderEpoch: committed?.leaderEpoch ?? -1,
    metadata: committed?.metadata ?? '',
    errorCode,
  }
}
