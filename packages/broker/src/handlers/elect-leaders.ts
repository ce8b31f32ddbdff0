import { ElectLeaders, ErrorCodes } from '@odradek/protocol'
import type { Handler } from '../handler.ts'

/** Elects leaders: each partition has its only replica as its leader already. */
export const electLeaders: Handler<typeof ElectLeaders> = {
  api: ElectLeaders,
  handle(request, { broker }) {
    const asked = request.topicPartitions ?? []
    return {
      errorCode: ErrorCodes.NONE,
      replicaElectionResults: asked.map(({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map(partitionId => {
          const isThere = broker.cluster.topic(topic)?.partitions[partitionId] !== undefined
          return isThere
            ? {
                partitionId,
                errorCode: ErrorCodes.ELECTION_NOT_NEEDED,
                errorMessage: 'The leader is the only replica.',
              }
            : {
                partitionId,
                errorCode: ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION,
                errorMessage: 'There is no such partition.',
              }
        }),
      })),
    }
  },
}
