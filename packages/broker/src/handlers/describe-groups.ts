import { DescribeGroups, type ErrorCode, ErrorCodes, type ResponseInput } from '@odradek/protocol'
import { type Group, metadataFor, noBytes } from '../groups/classic/group.ts'
import { coordinationError } from '../groups/coordination.ts'
import { notThere } from '../groups/refusals.ts'
import type { Handler, RequestContext } from '../handler.ts'
import { groupOperations } from '../operations.ts'

type Described = ResponseInput<typeof DescribeGroups>['groups'][number]

/** State and members of classic groups. A group nobody knows, or one of another kind, is described as Dead. */
export const describeGroups: Handler<typeof DescribeGroups> = {
  api: DescribeGroups,
  handle(request, context) {
    const groups = request.groups.map(groupId => describe(groupId, context))
    if (!request.includeAuthorizedOperations) return { groups }
    return {
      groups: groups.map(group =>
        group.errorCode === 0 ? { ...group, authorizedOperations: groupOperations } : group,
      ),
    }
  },
}

function describe(groupId: string, context: RequestContext): Described {
  const error = coordinationError(groupId, context)
  if (error !== ErrorCodes.NONE) return blank(groupId, '', error, null)
  const { groups } = context.broker
  const group = groups.classic.get(groupId)
  if (group) return described(group)
  // Since version 6 a missing group is an error that says so.
  const message = notThere(groupId, 'classic', groups.find(groupId))
  return context.apiVersion >= 6
    ? blank(groupId, 'Dead', ErrorCodes.GROUP_ID_NOT_FOUND, message)
    : blank(groupId, 'Dead', ErrorCodes.NONE, null)
}

function blank(groupId: string, groupState: string, errorCode: ErrorCode, errorMessage: string | null): Described {
  return { errorCode, errorMessage, groupId, groupState, protocolType: '', protocolData: '', members: [] }
}

/** Which assignor there is, and what was said for it, is only settled in a stable group. */
function described(group: Group): Described {
  const isStable = group.state === 'Stable'
  return {
    ...blank(group.id, group.state, ErrorCodes.NONE, null),
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocolName ?? '') : '',
    members: Array.from(group.members.values(), member => ({
      memberId: member.id,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: isStable ? metadataFor(member, group.protocolName) : noBytes,
      memberAssignment: member.assignment,
    })),
  }
}
