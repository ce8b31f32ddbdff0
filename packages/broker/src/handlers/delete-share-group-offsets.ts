import {
  DeleteShareGroupOffsets,
  type ErrorCode,
  ErrorCodes,
  errorByCode,
  noId,
  type ResponseInput,
} from '@odradek/protocol'
import type { Handler, RequestContext } from '../handler.ts'
import { Refusal } from '../refusal.ts'
import { emptyGroupError, sentenceFor } from './alter-share-group-offsets.ts'

type Answer = ResponseInput<typeof DeleteShareGroupOffsets>['responses'][number]

/** Forgets how far a share group without members has come with some topics. */
export const deleteShareGroupOffsets: Handler<typeof DeleteShareGroupOffsets> = {
  api: DeleteShareGroupOffsets,
  async handle({ groupId, topics }, context) {
    const refused = emptyGroupError(groupId, context)
    if (refused !== ErrorCodes.NONE) throw new Refusal(refused, sentenceFor(refused, groupId))
    return {
      errorCode: ErrorCodes.NONE,
      responses: await Promise.all(topics.map(({ topicName }) => deleted(groupId, topicName, context))),
    }
  },
}

async function deleted(groupId: string, topicName: string, { broker }: RequestContext): Promise<Answer> {
  const topic = broker.cluster.topic(topicName)
  const row = (errorCode: ErrorCode): Answer => ({
    topicName,
    topicId: topic?.id ?? noId,
    errorCode,
    errorMessage: errorCode === ErrorCodes.NONE ? null : errorByCode(errorCode).message,
  })
  if (!topic) return row(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  const forgotten = await broker.sharePartitions.forgetTopic(topic.id, groupId)
  return row(forgotten === ErrorCodes.NONE ? await broker.shareGroups.forgetTopic(groupId, topic.id) : forgotten)
}
