import { ErrorCodes, OffsetDelete } from '@odradek/protocol'
import { coordinationError } from '../groups/coordination.ts'
import type { Handler } from '../handler.ts'

/** Forgets how far a group has read, in topics it no longer subscribes to. */
export const offsetDelete: Handler<typeof OffsetDelete> = {
  api: OffsetDelete,
  async handle(request, context) {
    const { cluster, groups } = context.broker
    const refused = coordinationError(request.groupId, context)
    if (refused !== ErrorCodes.NONE) return { errorCode: refused, topics: [] }
    const wanted = request.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
    )
    const { error, subscribed } = await groups.forget(request.groupId, wanted)
    if (error !== ErrorCodes.NONE) return { errorCode: error, topics: [] }
    const errorOf = (name: string, partition: number) => {
      if (subscribed.has(name)) return ErrorCodes.GROUP_SUBSCRIBED_TO_TOPIC
      return cluster.topic(name)?.partitions[partition] ? ErrorCodes.NONE : ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION
    }
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: errorOf(name, partitionIndex),
      })),
    }))
    return { errorCode: ErrorCodes.NONE, topics }
  },
}
