import { ConsumerGroupHeartbeat, ErrorCodes, type Request, type ResponseInput } from '@odradek/protocol'
import type { HeartbeatReply, HeartbeatRequest } from '../groups/consumer/heartbeat-request.ts'
import { coordinationError } from '../groups/coordination.ts'
import { fromWire, toWire } from '../groups/topic-partitions.ts'
import type { Handler, RequestContext } from '../handler.ts'
import { Refusal } from '../refusal.ts'

type Asked = Request<typeof ConsumerGroupHeartbeat>
type Answer = ResponseInput<typeof ConsumerGroupHeartbeat>

/** A member of a consumer group joins, stays, gives up and gets partitions, and leaves (KIP-848). */
export const consumerGroupHeartbeat: Handler<typeof ConsumerGroupHeartbeat> = {
  api: ConsumerGroupHeartbeat,
  handle(request, context) {
    const error = coordinationError(request.groupId, context)
    if (error !== ErrorCodes.NONE) return { errorCode: error, memberEpoch: 0, heartbeatIntervalMs: 0 }
    try {
      const reply = context.broker.consumerGroups.beat(heartbeatOf(request, context))
      return reply instanceof Promise ? reply.then(response, refused) : response(reply)
    } catch (error) {
      return refused(error)
    }
  },
}

function heartbeatOf(
  request: Asked,
  { apiVersion, clientId, clientHost }: RequestContext,
): Omit<HeartbeatRequest, 'freshMemberId'> {
  return {
    groupId: request.groupId,
    memberId: request.memberId,
    memberEpoch: request.memberEpoch,
    instanceId: request.instanceId,
    rackId: request.rackId,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    topicNames: request.subscribedTopicNames,
    topicRegex: request.subscribedTopicRegex,
    serverAssignor: request.serverAssignor,
    owned: request.topicPartitions && fromWire(request.topicPartitions),
    clientId: clientId ?? '',
    clientHost,
    apiVersion,
  }
}

function response({ memberId, memberEpoch, heartbeatIntervalMs, assignment }: HeartbeatReply): Answer {
  return {
    errorCode: ErrorCodes.NONE,
    memberId,
    memberEpoch,
    heartbeatIntervalMs,
    assignment: assignment && { topicPartitions: toWire(assignment) },
  }
}

function refused(error: unknown): Answer {
  if (!(error instanceof Refusal)) throw error
  return { errorCode: error.errorCode, errorMessage: error.sentence, memberEpoch: 0, heartbeatIntervalMs: 0 }
}
