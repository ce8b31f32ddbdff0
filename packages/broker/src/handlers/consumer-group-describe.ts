import { ConsumerGroupDescribe, type ErrorCode, ErrorCodes, type ResponseInput } from '@odradek/protocol'
import { assignorOf } from '../groups/consumer/assigning.ts'
import type { ConsumerGroup } from '../groups/consumer/consumer-group.ts'
import type { ConsumerMember } from '../groups/consumer/consumer-member.ts'
import { type Places, toWire } from '../groups/consumer/topic-partitions.ts'
import { coordinationError } from '../groups/coordination.ts'
import type { BrokerServices, Handler, RequestContext } from '../handler.ts'
import { groupOperations, notAsked } from '../operations.ts'

type Described = ResponseInput<typeof ConsumerGroupDescribe>['groups'][number]
type DescribedMember = Described['members'][number]

const CLASSIC = 0
const CONSUMER = 1

/** Consumer groups, with what each member has and shall have. */
export const consumerGroupDescribe: Handler<typeof ConsumerGroupDescribe> = {
  api: ConsumerGroupDescribe,
  handle({ groupIds, includeAuthorizedOperations }, context) {
    return {
      groups: groupIds.map(groupId => {
        const group = describe(groupId, context)
        const isAsked = includeAuthorizedOperations && group.errorCode === ErrorCodes.NONE
        return { ...group, authorizedOperations: isAsked ? groupOperations : notAsked }
      }),
    }
  },
}

function describe(groupId: string, context: RequestContext): Described {
  const error = groupId === '' ? ErrorCodes.INVALID_GROUP_ID : coordinationError(groupId, context)
  if (error !== ErrorCodes.NONE) return blank(groupId, error, null)
  const { groups, consumerGroups } = context.broker
  const group = consumerGroups.get(groupId)
  if (group) return described(group, context.broker)
  const what = groups.find(groupId) ? 'is not a consumer group' : 'not found'
  return blank(groupId, ErrorCodes.GROUP_ID_NOT_FOUND, `Group ${groupId} ${what}.`)
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

function described(group: ConsumerGroup, broker: BrokerServices): Described {
  return {
    ...blank(group.id, ErrorCodes.NONE, null),
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.targetEpoch,
    assignorName: assignorOf(group, broker.config.get('group.consumer.assignors')),
    members: Array.from(group.members.values(), member => describedMember(member, group, broker)),
  }
}

function describedMember(
  { id, details, current }: ConsumerMember,
  group: ConsumerGroup,
  broker: BrokerServices,
): DescribedMember {
  return {
    memberId: id,
    instanceId: details.instanceId,
    rackId: details.rackId,
    memberEpoch: current.epoch,
    clientId: details.clientId,
    clientHost: details.clientHost,
    subscribedTopicNames: [...details.topicNames],
    subscribedTopicRegex: details.topicRegex,
    assignment: named(current.assigned, broker),
    targetAssignment: named(group.target(id), broker),
    memberType: details.classic === null ? CONSUMER : CLASSIC,
  }
}

/** Topics that are gone are left out. */
function named(places: Places, { cluster }: BrokerServices): DescribedMember['assignment'] {
  const topicPartitions = toWire(places).flatMap(({ topicId, partitions }) => {
    const topic = cluster.topicById(topicId)
    return topic ? [{ topicId, topicName: topic.name, partitions }] : []
  })
  return { topicPartitions }
}
