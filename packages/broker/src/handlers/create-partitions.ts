import { CreatePartitions, type ErrorCode, ErrorCodes, type Request } from '@odradek/protocol'
import type { Topic } from '../cluster-store/cluster-store.ts'
import type { BrokerServices, Handler } from '../handler.ts'
import { refusedItem } from '../refusal.ts'
import { isInternalTopic } from '../topic-name.ts'

type Asked = Request<typeof CreatePartitions>['topics'][number]

/** Gives topics more partitions; one row of answer per topic, always. */
export const createPartitions: Handler<typeof CreatePartitions> = {
  api: CreatePartitions,
  async handle(request, { broker }) {
    const results = request.topics.map(async asked => {
      const topic = broker.cluster.topic(asked.name)
      const twice = request.topics.filter(other => other.name === asked.name).length > 1
      const wrong = twice
        ? refusal(ErrorCodes.INVALID_REQUEST, 'Named more than once in this request.')
        : wrongGrowth(asked, topic, broker)
      if (wrong) return { name: asked.name, ...wrong }
      if (request.validateOnly) return { name: asked.name, errorCode: ErrorCodes.NONE }
      try {
        await broker.topics.addPartitions(topic!, asked.count)
        return { name: asked.name, errorCode: ErrorCodes.NONE }
      } catch (error) {
        return { name: asked.name, ...refusedItem(error) }
      }
    })
    return { results: await Promise.all(results) }
  },
}

const refusal = (errorCode: ErrorCode, errorMessage: string) => ({ errorCode, errorMessage })

function wrongGrowth(
  asked: Asked,
  topic: Topic | undefined,
  { nodeIds }: BrokerServices,
): ReturnType<typeof refusal> | undefined {
  if (!topic) return refusal(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${asked.name}' does not exist.`)
  // Where the records of a key stand hangs on their number: what is stored would be looked for in another partition.
  if (isInternalTopic(topic.name))
    return refusal(
      ErrorCodes.INVALID_TOPIC_EXCEPTION,
      `The topic '${topic.name}' holds what the broker keeps for its clients; it keeps the number of partitions it was made with.`,
    )
  const now = topic.partitions.length
  if (asked.count === now) return refusal(ErrorCodes.INVALID_PARTITIONS, `Topic already has ${now} partition(s).`)
  if (asked.count < now) {
    return refusal(
      ErrorCodes.INVALID_PARTITIONS,
      `The topic has ${now} partition(s) and cannot be given fewer (${asked.count}).`,
    )
  }
  if (asked.count > mostPartitions)
    return refusal(ErrorCodes.INVALID_PARTITIONS, `A topic may have ${mostPartitions} partitions at most.`)
  if (!asked.assignments) return undefined
  if (asked.assignments.length !== asked.count - now) {
    return refusal(
      ErrorCodes.INVALID_REPLICA_ASSIGNMENT,
      `${asked.count - now} new partition(s) need as many assignments.`,
    )
  }
  if (asked.assignments.some(({ brokerIds }) => brokerIds.length !== 1)) {
    return refusal(
      ErrorCodes.INVALID_REPLICA_ASSIGNMENT,
      'Each partition has one replica, and needs one broker to be assigned to.',
    )
  }
  const strangers = asked.assignments.flatMap(({ brokerIds }) => brokerIds).filter(id => !nodeIds.includes(id))
  return strangers.length === 0
    ? undefined
    : refusal(ErrorCodes.INVALID_REPLICA_ASSIGNMENT, `There is no broker ${strangers[0]}.`)
}

const mostPartitions = 10_000
