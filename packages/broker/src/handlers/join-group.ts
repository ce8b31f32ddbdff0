import { ErrorCodes, JoinGroup, type ResponseInput } from '@odradek/protocol'
import type { JoinReply } from '../groups/classic/group-event.ts'
import { refusedJoin } from '../groups/classic/turn.ts'
import { heard, membershipError } from '../groups/coordination.ts'
import type { Handler } from '../handler.ts'

/** A consumer wants to be a member; parked until all members of the next generation are there. */
export const joinGroup: Handler<typeof JoinGroup> = {
  api: JoinGroup,
  handle(request, context) {
    const { broker, apiVersion, clientId, clientHost, signal } = context
    const error = membershipError(request.groupId, context)
    if (error !== ErrorCodes.NONE) return response(refusedJoin(error, request.memberId), apiVersion)
    const reply = broker.groups.join(request.groupId, {
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      clientId: clientId ?? '',
      clientHost,
      sessionTimeoutMs: request.sessionTimeoutMs,
      // Version 0 has one timeout for both.
      rebalanceTimeoutMs: apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
      protocolType: request.protocolType,
      // Kept for long, so not as views of the request's frame.
      protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: metadata.slice() })),
      mustKnowItsId: apiVersion >= 4,
      maySkipAssignment: apiVersion >= 9,
    })
    const answer = heard(reply, signal, refusedJoin(ErrorCodes.COORDINATOR_NOT_AVAILABLE, request.memberId))
    return answer instanceof Promise ? answer.then(late => response(late, apiVersion)) : response(answer, apiVersion)
  },
}

function response(reply: JoinReply, version: number): ResponseInput<typeof JoinGroup> {
  return {
    errorCode: reply.error,
    generationId: reply.generation,
    protocolType: reply.protocolType,
    protocolName: version >= 7 ? reply.protocolName : (reply.protocolName ?? ''),
    leader: reply.leader,
    skipAssignment: reply.skipAssignment,
    memberId: reply.memberId,
    members: reply.members.map(({ memberId, instanceId, metadata }) => ({
      memberId,
      groupInstanceId: instanceId,
      metadata,
    })),
  }
}
