import { ConsumerGroupDescribe, type ErrorCode, ErrorCodes, type ResponseInput } from '@odradek/protocol'
import { assignorOf } from '../groups/consumer/assigning.ts'
import type { ConsumerGroup } from '../groups/consumer/consumer-group.ts'
import type { ConsumerMember } from '../groups/consumer/consumer-member.ts'
import { toWire } from '../groups/topic-partitions.ts'
import type { BrokerServices, Handler } from '../handler.ts'
import { describeEach, namedTopics } from './group-description.ts'

type Described = ResponseInput<typeof ConsumerGroupDescribe>['groups'][number]
type DescribedMember = Described['members'][number]

const CLASSIC = 0
const CONSUMER = 1

/** Consumer groups, with what each member has and shall have. */
export const consumerGroupDescribe: Handler<typeof ConsumerGroupDescribe> = {
  api: ConsumerGroupDescribe,
  handle(request, context) {
    const { consumerGroups } = context.broker
    const groups = describeEach(
      {
        name: consumerGroups.name,
        find: (groupId: string) => consumerGroups.get(groupId),
        described: (group: ConsumerGroup) => described(group, context.broker),
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
  { cluster }: BrokerServices,
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
    assignment: { topicPartitions: namedTopics(toWire(current.assigned), cluster) },
    targetAssignment: { topicPartitions: namedTopics(toWire(group.target(id)), cluster) },
    memberType: details.classic === null ? CONSUMER : CLASSIC,
  }
}
