import { DescribeTopicPartitions, ErrorCodes, noId, type ResponseInput } from '@odradek/protocol'
import type { Handler, RequestContext } from '../handler.ts'
import { partitionView } from '../located.ts'
import { topicOperations } from '../operations.ts'
import { isInternalTopic, wrongTopicName } from '../topic-name.ts'

type Answer = ResponseInput<typeof DescribeTopicPartitions>
type TopicAnswer = Answer['topics'][number]

/** Kafka's max.request.partition.size.limit. */
const largestPage = 2000

/** Topics by name, page by page: so many partitions, then a cursor to go on from. */
export const describeTopicPartitions: Handler<typeof DescribeTopicPartitions> = {
  api: DescribeTopicPartitions,
  handle({ topics: asked, responsePartitionLimit, cursor }, context) {
    const { cluster } = context.broker
    const names = asked.length > 0 ? asked.map(topic => topic.name) : Array.from(cluster.topics(), topic => topic.name)
    const sorted = [...new Set(names)].sort().filter(name => cursor === null || name >= cursor.topicName)
    let room = Math.max(1, Math.min(responsePartitionLimit, largestPage))
    const topics: TopicAnswer[] = []
    for (const name of sorted) {
      const from = name === cursor?.topicName ? Math.max(0, cursor.partitionIndex) : 0
      const answer = view(context, name, from, room)
      const left = (cluster.topic(name)?.partitions.length ?? 0) - from - answer.partitions.length
      if (room > 0) topics.push(answer)
      room -= answer.partitions.length
      if (left > 0) return { topics, nextCursor: { topicName: name, partitionIndex: from + answer.partitions.length } }
    }
    return { topics }
  },
}

function view(context: RequestContext, name: string, from: number, room: number): TopicAnswer {
  const topic = context.broker.cluster.topic(name)
  if (!topic) {
    const errorCode = wrongTopicName(name) ? ErrorCodes.INVALID_TOPIC_EXCEPTION : ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION
    return { errorCode, name, topicId: noId, partitions: [] }
  }
  return {
    errorCode: ErrorCodes.NONE,
    name,
    topicId: topic.id,
    isInternal: isInternalTopic(name),
    partitions: topic.partitions.slice(from, from + room).map(({ index, id }) => {
      // Null would be allowed, but Java's admin client stumbles over it.
      return { ...partitionView(context, index, id), eligibleLeaderReplicas: [], lastKnownElr: [] }
    }),
    topicAuthorizedOperations: topicOperations,
  }
}
