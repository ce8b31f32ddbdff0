import { ErrorCodes, type ResponseInput, SyncGroup } from '@odradek/protocol'
import type { SyncReply } from '../groups/classic/group-event.ts'
import { refusedSync } from '../groups/classic/turn.ts'
import { heard, membershipError } from '../groups/coordination.ts'
import type { Handler } from '../handler.ts'

/** A member asks for its share; parked until the leader has dealt and the deal is durable. */
export const syncGroup: Handler<typeof SyncGroup> = {
  api: SyncGroup,
  handle(request, context) {
    const { broker, apiVersion, signal } = context
    const error = membershipError(request.groupId, context)
    if (error !== ErrorCodes.NONE) return response(refusedSync(error))
    // Since version 5 (KIP-559) a member must say what it believes the group has agreed on.
    if (apiVersion >= 5 && (request.protocolType === null || request.protocolName === null))
      return response(refusedSync(ErrorCodes.INCONSISTENT_GROUP_PROTOCOL))
    const reply = broker.groups.sync(request.groupId, {
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationId,
      protocolType: request.protocolType,
      protocolName: request.protocolName,
      // Kept for long, so not as views of the request's frame.
      assignments: new Map(request.assignments.map(({ memberId, assignment }) => [memberId, assignment.slice()])),
    })
    const answer = heard(reply, signal, refusedSync(ErrorCodes.COORDINATOR_NOT_AVAILABLE))
    return answer instanceof Promise ? answer.then(response) : response(answer)
  },
}

function response({ error, protocolType, protocolName, assignment }: SyncReply): ResponseInput<typeof SyncGroup> {
  return { errorCode: error, protocolType, protocolName, assignment }
}
