import { DescribeShareGroupOffsets, ErrorCodes, noId, type Request, type ResponseInput } from '@odradek/protocol'
import type { Topic } from '../cluster-store/cluster-store.ts'
import { coordinationError } from '../groups/coordination.ts'
import type { ShareGroup } from '../groups/share/share-group.ts'
import type { Handler, RequestContext } from '../handler.ts'

type Asked = Request<typeof DescribeShareGroupOffsets>['groups'][number]
type Described = ResponseInput<typeof DescribeShareGroupOffsets>['groups'][number]
type DescribedPartition = Described['topics'][number]['partitions'][number]

/** How far share groups have come, and how much is before them. Of what is unknown there is nothing to say, which is no error. */
export const describeShareGroupOffsets: Handler<typeof DescribeShareGroupOffsets> = {
  api: DescribeShareGroupOffsets,
  async handle(request, context) {
    return { groups: await Promise.all(request.groups.map(group => described(group, context))) }
  },
}

async function described({ groupId, topics: wanted }: Asked, context: RequestContext): Promise<Described> {
  const errorCode = coordinationError(groupId, context)
  if (errorCode !== ErrorCodes.NONE) return { groupId, topics: [], errorCode }
  const group = context.broker.shareGroups.group(groupId)
  const topics = (wanted ?? (group ? keptTopics(group, context) : [])).map(async ({ topicName, partitions }) => {
    const topic = context.broker.cluster.topic(topicName)
    const rows = partitions.map(index => describedPartition(groupId, topic, index, context))
    return { topicName, topicId: topic?.id ?? noId, partitions: await Promise.all(rows) }
  })
  return { groupId, topics: await Promise.all(topics), errorCode }
}

/** The partitions where the group has begun. */
function keptTopics({ id: groupId, kept }: ShareGroup, { broker }: RequestContext): NonNullable<Asked['topics']> {
  return [...kept].flatMap(([topicId, { topicName, partitions }]) => {
    if (!broker.cluster.topicById(topicId)) return []
    const begun = partitions.filter(index => broker.sharePartitions.progress({ groupId, topicId, index }))
    return begun.length > 0 ? [{ topicName, partitions: begun }] : []
  })
}

async function describedPartition(
  groupId: string,
  topic: Topic | undefined,
  partitionIndex: number,
  { broker }: RequestContext,
): Promise<DescribedPartition> {
  const partition = topic?.partitions[partitionIndex]
  const nothing = { partitionIndex, startOffset: -1, leaderEpoch: 0, lag: -1, errorCode: ErrorCodes.NONE }
  if (!topic || !partition) return nothing
  const progress = broker.sharePartitions.progress({ groupId, topicId: topic.id, index: partitionIndex })
  if (!progress || progress.startOffset < 0) return nothing
  const [state] = await broker.engine.state([partition.id])
  const startOffset = Math.max(progress.startOffset, state?.logStartOffset ?? 0)
  const lag = state ? Math.max(0, state.highWatermark - startOffset - progress.deliveryCompleteCount) : -1
  return { partitionIndex, startOffset, leaderEpoch: progress.leaderEpoch, lag, errorCode: ErrorCodes.NONE }
}
