import { ErrorCodes, LeaveGroup } from '@odradek/protocol'
import { membershipError } from '../groups/coordination.ts'
import type { Handler } from '../handler.ts'

/** Members go; since version 3 several at once, which is how tools remove them. */
export const leaveGroup: Handler<typeof LeaveGroup> = {
  api: LeaveGroup,
  async handle(request, context) {
    const error = membershipError(request.groupId, context)
    if (error !== ErrorCodes.NONE) return { errorCode: error }
    const isBatch = context.apiVersion >= 3
    const leaving = isBatch
      ? request.members.map(({ memberId, groupInstanceId }) => ({ memberId, instanceId: groupInstanceId }))
      : [{ memberId: request.memberId, instanceId: null }]
    const { error: refused, members } = await context.broker.groups.leave(request.groupId, leaving)
    if (!isBatch) return { errorCode: refused || (members[0]?.error ?? ErrorCodes.NONE) }
    return {
      errorCode: refused,
      members: members.map(({ memberId, instanceId, error }) => ({
        memberId,
        groupInstanceId: instanceId,
        errorCode: error,
      })),
    }
  },
}
