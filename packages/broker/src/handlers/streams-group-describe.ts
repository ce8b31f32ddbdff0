import { type ErrorCode, ErrorCodes, type ResponseInput, StreamsGroupDescribe } from '@odradek/protocol'
import type { ConfiguredTopology } from '../groups/streams/configured-topology.ts'
import type { StreamsGroup } from '../groups/streams/streams-group.ts'
import type { StreamsMember } from '../groups/streams/streams-member.ts'
import { wireTasks } from '../groups/streams/tasks.ts'
import type { Handler } from '../handler.ts'
import { describeEach } from './group-description.ts'

type Described = ResponseInput<typeof StreamsGroupDescribe>['groups'][number]

/** Streams groups, with their topology and what each member has and shall have. */
export const streamsGroupDescribe: Handler<typeof StreamsGroupDescribe> = {
  api: StreamsGroupDescribe,
  handle(request, context) {
    const { streamsGroups } = context.broker
    const groups = describeEach(
      {
        name: streamsGroups.name,
        find: (groupId: string) => streamsGroups.get(groupId),
        described: (group: StreamsGroup) => described(group, streamsGroups.configured(group.id)),
        blank,
      },
      request,
      context,
    )
    return { groups }
  },
}

function blank(groupId: string, errorCode: ErrorCode, errorMessage: string | null): Described {
  return { errorCode, errorMessage, groupId, groupState: '', groupEpoch: 0, assignmentEpoch: 0, members: [] }
}

function described(group: StreamsGroup, configured: ConfiguredTopology | null): Described {
  return {
    ...blank(group.id, ErrorCodes.NONE, null),
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.targetEpoch,
    topology: describedTopology(group, configured),
    members: Array.from(group.members.values(), member => describedMember(member, group)),
  }
}

/** With the numbers of partitions there are, once they are known. */
function describedTopology({ topology }: StreamsGroup, configured: ConfiguredTopology | null): Described['topology'] {
  if (topology === null) return null
  const isReady = configured?.topology === topology && configured.problem === null
  return {
    epoch: topology.epoch,
    subtopologies: topology.subtopologies.map(said => {
      const subtopology = (isReady && configured.subtopologies.get(said.subtopologyId)?.described) || said
      const { subtopologyId, sourceTopics, repartitionSinkTopics, stateChangelogTopics, repartitionSourceTopics } =
        subtopology
      return { subtopologyId, sourceTopics, repartitionSinkTopics, stateChangelogTopics, repartitionSourceTopics }
    }),
  }
}

function describedMember({ id, details, current }: StreamsMember, group: StreamsGroup): Described['members'][number] {
  return {
    memberId: id,
    memberEpoch: current.epoch,
    instanceId: details.instanceId,
    rackId: details.rackId,
    clientId: details.clientId,
    clientHost: details.clientHost,
    topologyEpoch: details.topologyEpoch,
    processId: details.processId,
    userEndpoint: details.userEndpoint,
    clientTags: [...details.clientTags],
    taskOffsets: [],
    taskEndOffsets: [],
    assignment: wireTasks(current.assigned),
    targetAssignment: wireTasks(group.target(id)),
    isClassic: false,
  }
}
