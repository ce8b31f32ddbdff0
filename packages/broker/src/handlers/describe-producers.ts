import { DescribeProducers, ErrorCodes, type ResponseInput } from '@odradek/protocol'
import type { Handler, RequestContext } from '../handler.ts'
import { ledPartition } from '../located.ts'

type Answer = ResponseInput<typeof DescribeProducers>['topics'][number]['partitions'][number]

/** The idempotent producers that partitions remember. */
export const describeProducers: Handler<typeof DescribeProducers> = {
  api: DescribeProducers,
  async handle(request, context) {
    const topics = request.topics.map(async ({ name, partitionIndexes }) => {
      return { name, partitions: await Promise.all(partitionIndexes.map(index => producersOf(name, index, context))) }
    })
    return { topics: await Promise.all(topics) }
  },
}

async function producersOf(name: string, partitionIndex: number, context: RequestContext): Promise<Answer> {
  const { cluster, engine } = context.broker
  const topic = cluster.topic(name)
  const partition = topic ? ledPartition(context, topic, partitionIndex) : ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION
  if (typeof partition === 'number') return { partitionIndex, errorCode: partition, activeProducers: [] }
  if (engine.isOffline(partition.id))
    return { partitionIndex, errorCode: ErrorCodes.KAFKA_STORAGE_ERROR, activeProducers: [] }
  const producers = await engine.producers(partition.id)
  const activeProducers = producers.map(({ currentTransactionStart, ...producer }) => {
    return { ...producer, currentTxnStartOffset: currentTransactionStart }
  })
  return { partitionIndex, errorCode: ErrorCodes.NONE, activeProducers }
}
