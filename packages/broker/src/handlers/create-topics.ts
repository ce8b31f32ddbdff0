import { CreateTopics, ErrorCodes, type Request, type ResponseInput } from '@odradek/protocol'
import { describedTopicConfig } from '../config/described-config.ts'
import type { BrokerServices, Handler } from '../handler.ts'
import { Refusal, refusedItem } from '../refusal.ts'

type Asked = Request<typeof CreateTopics>['topics'][number]
type TopicAnswer = ResponseInput<typeof CreateTopics>['topics'][number]

/** Creates topics, each on its own; one that cannot be created says why. */
export const createTopics: Handler<typeof CreateTopics> = {
  api: CreateTopics,
  async handle(request, { broker }) {
    const topics = [...byName(request.topics).values()].map(async (asked): Promise<TopicAnswer> => {
      const { name } = asked[0]
      try {
        if (asked.length > 1) throw new Refusal(ErrorCodes.INVALID_REQUEST, `Topic '${name}' is named more than once.`)
        return await create(asked[0], request.validateOnly, broker)
      } catch (error) {
        return { name, ...refusedItem(error) }
      }
    })
    return { topics: await Promise.all(topics) }
  },
}

/** A name that comes more than once is answered once, and not created. */
function byName(topics: readonly Asked[]): Map<string, [Asked, ...Asked[]]> {
  const groups = new Map<string, [Asked, ...Asked[]]>()
  for (const topic of topics) {
    const same = groups.get(topic.name)
    if (same) same.push(topic)
    else groups.set(topic.name, [topic])
  }
  return groups
}

async function create(asked: Asked, validateOnly: boolean, broker: BrokerServices): Promise<TopicAnswer> {
  const { name } = asked
  const config: Record<string, string> = {}
  for (const { name: key, value } of asked.configs) {
    if (value === null)
      throw new Refusal(ErrorCodes.INVALID_CONFIG, `Null value not supported for topic configs: ${key}`)
    config[key] = value
  }
  const spec = { name, partitions: partitionsOf(asked, broker), config }
  if (validateOnly) broker.topics.check(spec)
  const topic = validateOnly ? undefined : await broker.topics.create(spec)
  return {
    name,
    ...(topic ? { topicId: topic.id } : {}),
    errorCode: ErrorCodes.NONE,
    errorMessage: null,
    numPartitions: topic?.partitions.length ?? spec.partitions,
    replicationFactor: 1,
    configs: describedTopicConfig(config, broker.config),
  }
}

/**
 * The number of partitions asked for, by count or by assignment, once both make sense. -1 is the default at every version: KIP-464 keeps
 * only clients from writing it before version 4, and kafkajs does write it.
 */
function partitionsOf(asked: Asked, { nodeIds, config }: BrokerServices): number {
  const { numPartitions, replicationFactor, assignments } = asked
  if (assignments.length > 0) {
    if (numPartitions !== -1 || replicationFactor !== -1) {
      throw new Refusal(
        ErrorCodes.INVALID_REQUEST,
        'With assignments, partitions and replication factor must both be -1.',
      )
    }
    checkAssignments(assignments, nodeIds)
    return assignments.length
  }
  const most = config.get('odradek.replication.factor.accepted')
  if (replicationFactor !== -1 && (replicationFactor < 1 || replicationFactor > most)) {
    const reason = `Replication factor ${replicationFactor} cannot be had: every partition has one replica, also where one process presents several nodes. Ask for 1, or for -1, the default; or set odradek.replication.factor.accepted where a program cannot ask for less.`
    throw new Refusal(ErrorCodes.INVALID_REPLICATION_FACTOR, reason)
  }
  return numPartitions === -1 ? config.get('num.partitions') : numPartitions
}

function checkAssignments(assignments: Asked['assignments'], nodeIds: readonly number[]): void {
  const refuse = (reason: string) => new Refusal(ErrorCodes.INVALID_REPLICA_ASSIGNMENT, reason)
  const indexes = new Set(assignments.map(assignment => assignment.partitionIndex))
  for (let index = 0; index < assignments.length; index++) {
    if (!indexes.has(index)) throw refuse('Partitions must be assigned once each, counted from 0.')
  }
  for (const { brokerIds } of assignments) {
    if (brokerIds.length !== 1) throw refuse('Each partition has one replica, and needs one broker to be assigned to.')
    const stranger = brokerIds.find(id => !nodeIds.includes(id))
    if (stranger !== undefined) throw refuse(`There is no broker ${stranger}.`)
  }
}
