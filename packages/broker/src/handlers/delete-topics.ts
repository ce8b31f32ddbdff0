import { DeleteTopics, ErrorCodes, noId, type Request, type ResponseInput } from '@odradek/protocol'
import type { BrokerServices, Handler } from '../handler.ts'
import { missingTopic, topicOf } from '../located.ts'
import { refusedItem } from '../refusal.ts'
import { isInternalTopic } from '../topic-name.ts'

type Asked = Request<typeof DeleteTopics>['topics'][number]
type Answer = ResponseInput<typeof DeleteTopics>['responses'][number]

/** Deletes topics by name or id, each on its own. */
export const deleteTopics: Handler<typeof DeleteTopics> = {
  api: DeleteTopics,
  async handle(request, { broker, apiVersion }) {
    const asked = apiVersion >= 6 ? request.topics : request.topicNames.map(name => ({ name, topicId: noId }))
    const keyOf = ({ name, topicId }: Asked) => topicOf(broker.cluster, name, topicId)?.id ?? name ?? topicId
    const byKey = new Map<string, Asked[]>()
    for (const one of asked) byKey.set(keyOf(one), [...(byKey.get(keyOf(one)) ?? []), one])
    const responses = [...byKey.values()].map(([first, second]) => {
      const { name, topicId } = first!
      if (!second) return deleted(name, topicId, broker)
      return {
        name,
        topicId,
        errorCode: ErrorCodes.INVALID_REQUEST,
        errorMessage: 'Named more than once in this request.',
      }
    })
    return { responses: await Promise.all(responses) }
  },
}

async function deleted(name: string | null, topicId: string, broker: BrokerServices): Promise<Answer> {
  if ((name !== null) === (topicId !== noId)) {
    return {
      name,
      topicId,
      errorCode: ErrorCodes.INVALID_REQUEST,
      errorMessage: 'Give either the name of a topic or its id.',
    }
  }
  if (!broker.config.get('delete.topic.enable')) {
    return {
      name,
      topicId,
      errorCode: ErrorCodes.TOPIC_DELETION_DISABLED,
      errorMessage: 'delete.topic.enable is false.',
    }
  }
  const topic = topicOf(broker.cluster, name, topicId)
  if (!topic) {
    const errorCode = missingTopic(topicId)
    return { name, topicId, errorCode, errorMessage: 'There is no such topic.' }
  }
  const found = { name: topic.name, topicId: topic.id }
  if (isInternalTopic(topic.name)) {
    return {
      ...found,
      errorCode: ErrorCodes.INVALID_TOPIC_EXCEPTION,
      errorMessage: `${topic.name} belongs to the broker itself.`,
    }
  }
  try {
    await broker.topics.delete(topic)
    return { ...found, errorCode: ErrorCodes.NONE }
  } catch (error) {
    return { ...found, ...refusedItem(error) }
  }
}
