import { ErrorCodes, Metadata, noId, ProtocolError, type Request, type ResponseInput } from '@odradek/protocol'
import type { Topic } from '../cluster-store/cluster-store.ts'
import type { Handler, RequestContext } from '../handler.ts'
import { missingTopic, partitionView, topicOf } from '../located.ts'
import { clusterOperations, notAsked, topicOperations } from '../operations.ts'
import { isInternalTopic, wrongTopicName } from '../topic-name.ts'

type Answer = ResponseInput<typeof Metadata>
type TopicAnswer = Answer['topics'][number]
type Asked = NonNullable<Request<typeof Metadata>['topics']>[number]

/** Nodes, topics and who leads their partitions; asking for a missing topic creates it where that is allowed. */
export const metadata: Handler<typeof Metadata> = {
  api: Metadata,
  handle(request, context) {
    const { broker, apiVersion } = context
    const operations = request.includeTopicAuthorizedOperations ? topicOperations : notAsked
    // Version 0 has no null: there, asking for nothing in particular asks for everything.
    const all = request.topics === null || (apiVersion === 0 && request.topics.length === 0)
    if (all) {
      const topics = Array.from(broker.cluster.topics(), topic => found(context, topic, operations))
      return answer(request, context, topics)
    }
    const mayCreate = request.allowAutoTopicCreation && broker.config.get('auto.create.topics.enable')
    const topics = request.topics!.map(asked => lookUp(context, asked, operations, mayCreate))
    if (!topics.some(topic => topic instanceof Promise)) return answer(request, context, topics as TopicAnswer[])
    return Promise.all(topics).then(created => answer(request, context, created))
  },
}

function answer(request: Request<typeof Metadata>, context: RequestContext, topics: TopicAnswer[]): Answer {
  return {
    brokers: context.nodes(),
    clusterId: context.broker.cluster.clusterId,
    controllerId: context.broker.nodeIds[0]!,
    topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? clusterOperations : notAsked,
  }
}

function lookUp(
  context: RequestContext,
  asked: Asked,
  operations: number,
  mayCreate: boolean,
): TopicAnswer | Promise<TopicAnswer> {
  // Before version 12 ids have a place in the message, but no meaning, and an answer has to have a name.
  if (context.apiVersion < 12 && (asked.name === null || asked.topicId !== noId))
    return missing({ ...asked, name: asked.name ?? '' }, ErrorCodes.INVALID_REQUEST)
  const topic = topicOf(context.broker.cluster, asked.name, asked.topicId)
  if (topic) return found(context, topic, operations)
  if (asked.topicId !== noId || asked.name === null) return missing(asked, missingTopic(asked.topicId))
  if (wrongTopicName(asked.name)) return missing(asked, ErrorCodes.INVALID_TOPIC_EXCEPTION)
  if (!mayCreate || isInternalTopic(asked.name)) return missing(asked, ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  return created(context, asked, operations)
}

async function created(context: RequestContext, asked: Asked, operations: number): Promise<TopicAnswer> {
  try {
    return found(
      context,
      await context.broker.topics.ensure({ name: asked.name!, partitions: -1, config: {} }),
      operations,
    )
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return missing(asked, error.errorCode)
  }
}

function found(context: RequestContext, topic: Topic, operations: number): TopicAnswer {
  return {
    errorCode: ErrorCodes.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.map(({ index, id }) => partitionView(context, index, id)),
    topicAuthorizedOperations: operations,
  }
}

function missing({ name, topicId }: Asked, errorCode: number): TopicAnswer {
  return { errorCode, name, topicId, partitions: [] }
}
