import { ErrorCodes, Heartbeat } from '@odradek/protocol'
import { membershipError } from '../groups/coordination.ts'
import type { Handler } from '../handler.ts'

/** A member says it is alive, and learns whether its group is rebalancing. */
export const heartbeat: Handler<typeof Heartbeat> = {
  api: Heartbeat,
  handle(request, context) {
    const error = membershipError(request.groupId, context)
    if (error !== ErrorCodes.NONE) return { errorCode: error }
    const claim = { memberId: request.memberId, instanceId: request.groupInstanceId, generation: request.generationId }
    const reply = context.broker.groups.heartbeat(request.groupId, claim)
    return reply instanceof Promise ? reply.then(late => ({ errorCode: late.error })) : { errorCode: reply.error }
  },
}
