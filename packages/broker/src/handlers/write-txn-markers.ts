import { type ErrorCode, ErrorCodes, type Request, type ResponseInput, WriteTxnMarkers } from '@odradek/protocol'
import type { Handler, RequestContext } from '../handler.ts'
import { ledPartition } from '../located.ts'
import type { NamedPartition } from '../transactions/transaction-partitions.ts'

type AskedMarker = Request<typeof WriteTxnMarkers>['markers'][number]
type MarkerResult = ResponseInput<typeof WriteTxnMarkers>['markers'][number]

/** Writes markers on behalf of an operator, who ends a transaction that its coordinator does not know any more. */
export const writeTxnMarkers: Handler<typeof WriteTxnMarkers> = {
  api: WriteTxnMarkers,
  async handle(request, context) {
    return { markers: await Promise.all(request.markers.map(marker => written(marker, context))) }
  },
}

async function written(asked: AskedMarker, context: RequestContext): Promise<MarkerResult> {
  const { producerId, producerEpoch, coordinatorEpoch, transactionResult, transactionVersion } = asked
  const partitions = asked.topics.flatMap(({ name: topic, partitionIndexes }) =>
    partitionIndexes.map(index => ({ topic, index })),
  )
  const led = partitions.filter(partition => leaderError(partition, context) === ErrorCodes.NONE)
  const outcome = transactionResult ? 'commit' : 'abort'
  const marker = {
    producerId,
    producerEpoch,
    coordinatorEpoch,
    outcome,
    endsEarlierEpoch: transactionVersion >= 2,
  } as const
  const errors = await context.broker.transactions.mark(led, marker)
  const errorOf = ({ topic, index }: NamedPartition) =>
    errors[led.findIndex(partition => partition.topic === topic && partition.index === index)]
  return {
    producerId,
    topics: asked.topics.map(({ name: topic, partitionIndexes }) => ({
      name: topic,
      partitions: partitionIndexes.map(index => {
        const partition = { topic, index }
        return { partitionIndex: index, errorCode: errorOf(partition) ?? leaderError(partition, context) }
      }),
    })),
  }
}

function leaderError({ topic: name, index }: NamedPartition, context: RequestContext): ErrorCode {
  const topic = context.broker.cluster.topic(name)
  const partition = topic ? ledPartition(context, topic, index) : ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION
  return typeof partition === 'number' ? partition : ErrorCodes.NONE
}
