import { DeleteRecords, type ErrorCode, ErrorCodes, type ResponseInput } from '@odradek/protocol'
import type { Topic } from '../cluster-store/cluster-store.ts'
import type { Handler, RequestContext } from '../handler.ts'
import { ledPartition } from '../located.ts'
import { isInternalTopic } from '../topic-name.ts'

type Answer = ResponseInput<typeof DeleteRecords>['topics'][number]['partitions'][number]

/** Raises the first offset of partitions, durably, and so deletes what lies below. */
export const deleteRecords: Handler<typeof DeleteRecords> = {
  api: DeleteRecords,
  async handle(request, context) {
    const topics = request.topics.map(async ({ name, partitions }) => {
      const topic = context.broker.cluster.topic(name)
      const answers = partitions.map(({ partitionIndex, offset }) => trim(topic, partitionIndex, offset, context))
      return { name, partitions: await Promise.all(answers) }
    })
    return { topics: await Promise.all(topics) }
  },
}

async function trim(
  topic: Topic | undefined,
  partitionIndex: number,
  offset: number,
  context: RequestContext,
): Promise<Answer> {
  const refuse = (errorCode: ErrorCode): Answer => ({ partitionIndex, lowWatermark: -1, errorCode })
  if (!topic) return refuse(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  if (isInternalTopic(topic.name)) return refuse(ErrorCodes.INVALID_TOPIC_EXCEPTION)
  const { topics, engine } = context.broker
  if (!topics.configOf(topic)['cleanup.policy'].includes('delete')) return refuse(ErrorCodes.POLICY_VIOLATION)
  const partition = ledPartition(context, topic, partitionIndex)
  if (typeof partition === 'number') return refuse(partition)
  if (offset < -1) return refuse(ErrorCodes.OFFSET_OUT_OF_RANGE)
  const [trimmed] = await engine.trim([{ partition: partition.id, before: offset }])
  return trimmed!.ok
    ? { partitionIndex, lowWatermark: trimmed!.logStartOffset, errorCode: ErrorCodes.NONE }
    : refuse(trimmed!.error)
}
