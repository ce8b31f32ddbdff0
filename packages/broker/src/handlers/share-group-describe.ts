import { ErrorCodes, type ResponseInput, ShareGroupDescribe } from '@odradek/protocol'
import { coordinationError } from '../groups/coordination.ts'
import { type Assignment, type ShareGroup, shareGroupState } from '../groups/share/share-group.ts'
import type { Handler, RequestContext } from '../handler.ts'

type Described = ResponseInput<typeof ShareGroupDescribe>['groups'][number]

/** Share groups with their members, and what each of them has. */
export const shareGroupDescribe: Handler<typeof ShareGroupDescribe> = {
  api: ShareGroupDescribe,
  handle(request, context) {
    return { groups: request.groupIds.map(groupId => described(groupId, context)) }
  },
}

function described(groupId: string, context: RequestContext): Described {
  const errorCode = coordinationError(groupId, context)
  const blank = { groupId, groupState: '', groupEpoch: 0, assignmentEpoch: 0, assignorName: '', members: [] }
  if (errorCode !== ErrorCodes.NONE) return { ...blank, errorCode }
  const group = context.broker.shareGroups.group(groupId)
  if (!group) {
    const isOther = context.broker.groups.find(groupId) !== undefined
    const errorMessage = isOther ? `Group ${groupId} is not a share group.` : `Group ${groupId} not found.`
    return { ...blank, errorCode: ErrorCodes.GROUP_ID_NOT_FOUND, errorMessage }
  }
  return {
    errorCode,
    groupId,
    groupState: shareGroupState(group),
    groupEpoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: 'simple',
    members: membersOf(group, context),
  }
}

function membersOf({ members }: ShareGroup, context: RequestContext): Described['members'] {
  return Array.from(members.values(), ({ id, rackId, epoch, clientId, clientHost, topics, assigned }) => ({
    memberId: id,
    rackId,
    memberEpoch: epoch,
    clientId,
    clientHost,
    subscribedTopicNames: [...topics],
    assignment: { topicPartitions: named(assigned, context) },
  }))
}

/** Without topics that are gone. */
function named(
  assignment: Assignment,
  { broker }: RequestContext,
): Described['members'][number]['assignment']['topicPartitions'] {
  return [...assignment].flatMap(([topicId, partitions]) => {
    const topic = broker.cluster.topicById(topicId)
    return topic ? [{ topicId, topicName: topic.name, partitions: [...partitions] }] : []
  })
}
