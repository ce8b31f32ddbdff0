import { type ErrorCode, ErrorCodes, type ResponseInput, ShareGroupDescribe } from '@odradek/protocol'
import { type ShareGroup, shareGroupState } from '../groups/share/share-group.ts'
import { asTopicPartitions } from '../groups/share/share-records.ts'
import type { BrokerServices, Handler } from '../handler.ts'
import { describeEach, namedTopics } from './group-description.ts'

type Described = ResponseInput<typeof ShareGroupDescribe>['groups'][number]

/** Share groups with their members, and what each of them has. */
export const shareGroupDescribe: Handler<typeof ShareGroupDescribe> = {
  api: ShareGroupDescribe,
  handle(request, context) {
    const { shareGroups, cluster } = context.broker
    const groups = describeEach(
      {
        name: shareGroups.name,
        find: (groupId: string) => shareGroups.group(groupId),
        described: (group: ShareGroup) => described(group, cluster),
        blank,
      },
      request,
      context,
    )
    return { groups }
  },
}

function blank(groupId: string, errorCode: ErrorCode, errorMessage: string | null): Described {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
  }
}

function described(group: ShareGroup, cluster: BrokerServices['cluster']): Described {
  return {
    ...blank(group.id, ErrorCodes.NONE, null),
    groupState: shareGroupState(group),
    groupEpoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: 'simple',
    members: membersOf(group, cluster),
  }
}

function membersOf({ members }: ShareGroup, cluster: BrokerServices['cluster']): Described['members'] {
  return Array.from(members.values(), ({ id, rackId, epoch, clientId, clientHost, topics, assigned }) => ({
    memberId: id,
    rackId,
    memberEpoch: epoch,
    clientId,
    clientHost,
    subscribedTopicNames: [...topics],
    assignment: { topicPartitions: namedTopics(asTopicPartitions(assigned), cluster) },
  }))
}
