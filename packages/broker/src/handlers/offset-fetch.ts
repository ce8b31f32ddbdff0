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

interface AskedGroup {
  readonly groupId: string
  readonly memberId: string | null
  readonly memberEpoch: number
  /** Null: all. */
  readonly topics: readonly AskedTopic[] | null
}

interface AskedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitionIndexes: readonly number[]
}

/** Offsets as they are; or with UNSTABLE_OFFSET_COMMIT where an open transaction may yet change them. */
interface View {
  readonly offsets: GroupOffsets
  isUnstable(topic: string, partition: number): boolean
}

/** How far groups have read. No offset is not an error: it is offset -1. */
export const offsetFetch: Handler<typeof OffsetFetch> = {
  api: OffsetFetch,
  handle(request, context) {
    const { requireStable } = request
    if (context.apiVersion >= 8)
      return { groups: request.groups.map(group => offsetsOf(group, requireStable, context)) }
    const { groupId } = request
    const topics = request.topics?.map(topic => ({ ...topic, topicId: noId })) ?? null
    const group = offsetsOf({ groupId, memberId: null, memberEpoch: -1, topics }, requireStable, context)
    const { errorCode } = group
    // Before version 2 a failed group shows in each of its partitions.
    if (context.apiVersion >= 2 || errorCode === ErrorCodes.NONE) return { topics: group.topics, errorCode }
    const failed = (partitionIndex: number) => found(partitionIndex, undefined, errorCode)
    return {
      topics: (topics ?? []).map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map(failed) })),
    }
  },
}

function offsetsOf(asked: AskedGroup, requireStable: boolean, context: RequestContext): FoundGroup {
  const { groupId, topics } = asked
  const { groups } = context.broker
  const refused = coordinationError(groupId, context)
  const errorCode = refused === ErrorCodes.NONE ? groups.admitFetch(groupId, asked) : refused
  if (errorCode !== ErrorCodes.NONE) return { groupId, topics: [], errorCode }
  const view: View = {
    offsets: groups.offsets(groupId),
    isUnstable: (topic, partition) => requireStable && groups.isUnstable(groupId, topic, partition),
  }
  return {
    groupId,
    topics: topics?.map(topic => askedOffsets(topic, view, context)) ?? allOffsets(view, context),
    errorCode,
  }
}

function askedOffsets(asked: AskedTopic, view: View, { broker, apiVersion }: RequestContext): FoundTopic {
  const { name: askedName, topicId, partitionIndexes } = asked
  const topic = topicOf(broker.cluster, askedName, topicId)
  const name = topic?.name ?? askedName
  const error = apiVersion >= 10 && topic === undefined ? missingTopic(topicId) : ErrorCodes.NONE
  const partitions = partitionIndexes.map(index =>
    error === ErrorCodes.NONE ? stable(view, name, index) : found(index, undefined, error),
  )
  return { name: askedName, topicId, partitions }
}

function allOffsets(view: View, { broker, apiVersion }: RequestContext): FoundTopic[] {
  return Array.from(view.offsets, ([name, partitions]) => ({
    name,
    topicId: broker.cluster.topic(name)?.id ?? noId,
    partitions: Array.from(partitions.keys(), index => stable(view, name, index)),
    // A topic that is gone has no id to be named by.
  })).filter(topic => apiVersion < 10 || topic.topicId !== noId)
}

function stable(view: View, topic: string, index: number) {
  return view.isUnstable(topic, index)
    ? found(index, undefined, ErrorCodes.UNSTABLE_OFFSET_COMMIT)
    : found(index, view.offsets.get(topic)?.get(index))
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
