import { ErrorCodes, type ResponseInput, StreamsGroupHeartbeat } from '@odradek/protocol'
import { coordinationError } from '../groups/coordination.ts'
import { readHeartbeat } from '../groups/streams/heartbeat-request.ts'
import type { StreamsAnswer } from '../groups/streams/streams-groups.ts'
import { wireTasks } from '../groups/streams/tasks.ts'
import type { TopicPartitions } from '../groups/topic-partitions.ts'
import type { Handler } from '../handler.ts'
import { Refusal } from '../refusal.ts'

type Answer = ResponseInput<typeof StreamsGroupHeartbeat>

const blank: Answer = {
  errorCode: ErrorCodes.NONE,
  memberId: '',
  memberEpoch: 0,
  heartbeatIntervalMs: 0,
  acceptableRecoveryLag: 0,
  taskOffsetIntervalMs: 0,
  status: [],
  endpointInformationEpoch: 0,
}

/** A thread of a streams application joins, stays, gives up and gets tasks, and leaves (KIP-1071). */
export const streamsGroupHeartbeat: Handler<typeof StreamsGroupHeartbeat> = {
  api: StreamsGroupHeartbeat,
  handle(request, context) {
    const error = coordinationError(request.groupId, context)
    if (error !== ErrorCodes.NONE) return { ...blank, errorCode: error }
    const { clientId, clientHost, broker } = context
    try {
      const reply = broker.streamsGroups.beat(readHeartbeat(request, { clientId: clientId ?? '', clientHost }))
      return reply instanceof Promise ? reply.then(response, refused) : response(reply)
    } catch (error) {
      return refused(error)
    }
  },
}

function response(answer: StreamsAnswer): Answer {
  const { memberId, memberEpoch, heartbeatIntervalMs, tasks, statuses, endpoints, endpointEpoch } = answer
  return {
    ...blank,
    memberId,
    memberEpoch,
    heartbeatIntervalMs,
    status: [...statuses],
    ...(tasks ? wireTasks(tasks) : {}),
    endpointInformationEpoch: endpointEpoch,
    partitionsByUserEndpoint:
      endpoints?.map(({ userEndpoint, active, standby }) => ({
        userEndpoint,
        activePartitions: wireTopics(active),
        standbyPartitions: wireTopics(standby),
      })) ?? null,
  }
}

const wireTopics = (partitions: TopicPartitions) =>
  Array.from(partitions, ([topic, indexes]) => ({ topic, partitions: [...indexes] }))

function refused(error: unknown): Answer {
  if (!(error instanceof Refusal)) throw error
  return { ...blank, errorCode: error.errorCode, errorMessage: error.sentence }
}
