import { ErrorCodes, OffsetForLeaderEpoch, type Request, type ResponseInput } from '@odradek/protocol'
import type { Handler, RequestContext } from '../handler.ts'
import { ledPartition } from '../located.ts'

type Answer = ResponseInput<typeof OffsetForLeaderEpoch>['topics'][number]['partitions'][number]
type Asked = Request<typeof OffsetForLeaderEpoch>['topics'][number]['partitions'][number]

/** Where a leader epoch ended: how a client finds out, after a restart, whether what it has read is still there (KIP-320). */
export const offsetForLeaderEpoch: Handler<typeof OffsetForLeaderEpoch> = {
  api: OffsetForLeaderEpoch,
  async handle(request, context) {
    const topics = request.topics.map(async ({ topic, partitions }) => {
      return { topic, partitions: await Promise.all(partitions.map(asked => answer(topic, asked, context))) }
    })
    return { topics: await Promise.all(topics) }
  },
}

async function answer(name: string, asked: Asked, context: RequestContext): Promise<Answer> {
  const { engine, cluster } = context.broker
  const topic = cluster.topic(name)
  if (!topic) return { partition: asked.partition, errorCode: ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION }
  const partition = ledPartition(context, topic, asked.partition, asked.currentLeaderEpoch)
  if (typeof partition === 'number') return { partition: asked.partition, errorCode: partition }
  if (engine.isOffline(partition.id)) return { partition: asked.partition, errorCode: ErrorCodes.KAFKA_STORAGE_ERROR }
  const [found] = await engine.offsetForEpoch([{ partition: partition.id, epoch: asked.leaderEpoch }])
  return {
    partition: asked.partition,
    errorCode: ErrorCodes.NONE,
    leaderEpoch: found!.epoch,
    endOffset: found!.endOffset,
  }
}
