/**
 * A conversation about streams groups: most of what a client can ask, rightly and wrongly. Held with Apache Kafka 4.3.1 once
 * (kafka-answers.txt; its group configs `streams.initial.rebalance.delay.ms`, `streams.assignment.interval.ms` and
 * `streams.assignor.offload.enable` set so that it assigns at once, as we do), and with our broker in every test run; the answers must
 * be the same.
 *
 * Evened out: addresses, the order of members and partitions, the epoch of endpoints (ours begins elsewhere). Which of two members gets
 * which task is each assignor's own affair. One answer is left out, since ours says more: a member that is an epoch behind, and says
 * what it has, is told its tasks again, for it may have missed them.
 */
import {
  CreateTopics,
  DeleteGroups,
  ListGroups,
  OffsetCommit,
  OffsetFetch,
  StreamsGroupDescribe,
  StreamsGroupHeartbeat,
} from '@odradek/protocol'
import type { RawClient } from '../../../testing/raw-client.ts'
import { ask, type Call, type Fields, rewritten, shown } from '../../testing/conversation.ts'

const group = 'GROUP'

const info = (name: string, partitions = 0) => ({ name, partitions, replicationFactor: 0, topicConfigs: [] })
const subtopology = (subtopologyId: string, sourceTopics: readonly string[], more: Fields = {}) => ({
  subtopologyId,
  sourceTopics,
  sourceTopicRegex: [],
  stateChangelogTopics: [],
  repartitionSinkTopics: [],
  repartitionSourceTopics: [],
  copartitionGroups: [],
  ...more,
})
const together = (sourceTopics: readonly number[], repartitionSourceTopics: readonly number[] = []) => ({
  copartitionGroups: [{ sourceTopics, sourceTopicRegex: [], repartitionSourceTopics }],
})
const counting = (changelog = info('GROUP-changelog'), epoch = 3) => ({
  epoch,
  subtopologies: [
    subtopology('0', ['GROUP-lines'], { repartitionSinkTopics: ['GROUP-words'] }),
    subtopology('1', [], {
      repartitionSourceTopics: [info('GROUP-words')],
      stateChangelogTopics: [changelog],
    }),
  ],
})

const none = { activeTasks: [], standbyTasks: [], warmupTasks: [] }
const tasks = (subtopologyId: string, ...partitions: readonly number[]) => ({ subtopologyId, partitions })
const owns = (...activeTasks: readonly Fields[]) => ({ ...none, activeTasks })
const all = { rebalanceTimeoutMs: 60_000, topology: counting(), processId: 'p1', ...none }

const beat = (memberId: string, memberEpoch: number, more: Fields = {}) =>
  ask(StreamsGroupHeartbeat, 0, { groupId: group, memberId, memberEpoch, endpointInformationEpoch: -1, ...more })
const join = (memberId: string, more: Fields = {}) => beat(memberId, 0, { ...all, ...more })
const describe = ask(StreamsGroupDescribe, 0, { groupIds: [group], includeAuthorizedOperations: true })
const commit = (memberId: string, epoch: number, version = 9) =>
  ask(OffsetCommit, version, {
    groupId: group,
    generationIdOrMemberEpoch: epoch,
    memberId,
    topics: [{ name: 'GROUP-lines', partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: 'm' }] }],
  })
const fetched = (memberId: string | null, memberEpoch: number) =>
  ask(OffsetFetch, 9, { groups: [{ groupId: group, memberId, memberEpoch, topics: null }] })

const wrongRequests: readonly Call[] = [
  join(''),
  join('A', { groupId: '' }),
  join('A', { instanceId: '' }),
  join('A', { instanceId: 'i' }),
  join('A', { rackId: '' }),
  join('A', { rebalanceTimeoutMs: -1 }),
  join('A', { topology: null }),
  join('A', owns(tasks('0', 0))),
  join('A', { activeTasks: null }),
  join('A', { standbyTasks: null }),
  join('A', { standbyTasks: [tasks('0', 0)] }),
  join('A', { warmupTasks: [tasks('0', 0)] }),
  join('A', { taskOffsets: [] }),
  join('A', { taskEndOffsets: [] }),
  join('A', { topology: counting(info('GROUP-changelog', 4)) }),
  join('A', {
    topology: { epoch: 0, subtopologies: [subtopology('0', ['GROUP-lines'], { sourceTopicRegex: ['.*'] })] },
  }),
  join('A', {
    topology: { epoch: 0, subtopologies: [subtopology('0', [], { repartitionSourceTopics: [info('GROUP-none')] })] },
  }),
  join('A', {
    topology: {
      epoch: 0,
      subtopologies: [
        subtopology('0', [], { repartitionSourceTopics: [info('GROUP-x')], repartitionSinkTopics: ['GROUP-x'] }),
      ],
    },
  }),
  beat('A', -3),
  beat('A', -2),
  beat('A', -1),
  beat('A', 1),
  beat('A', 1, { topology: counting() }),
  beat('A', 1, { activeTasks: [] }),
  describe,
]

const oneMember: readonly Call[] = [
  join('A', { rackId: 'r', clientTags: [{ key: 'zone', value: 'a' }] }),
  beat('A', 2),
  beat('A', 2, owns(tasks('0', 0, 1), tasks('1', 0, 1))),
  beat('A', 3),
  beat('A', 1),
  beat('A', 1, owns(tasks('0', 0))),
  beat('A', 0),
  beat('B', 2),
  beat('A', 2, owns(tasks('7', 0))),
  beat('A', 2, owns(tasks('0', 2))),
  beat('A', 2, { ...none, standbyTasks: [tasks('1', -1)] }),
  join('A', { rackId: 'r' }),
  join('A', { rackId: 'other' }),
  describe,
  beat('A', 2),
  join('B', { topology: counting(info('GROUP-changelog'), 4) }),
  join('B', { topology: counting(info('GROUP-other')) }),
  commit('A', 3),
  commit('A', 9),
  commit('A', 2),
  commit('A', 1),
  commit('A', 0),
  commit('A', -1),
  commit('B', 3),
  commit('', -1),
  commit('A', 3, 8),
  fetched('A', 3),
  fetched('A', 2),
  fetched('B', 3),
  fetched(null, -1),
  ask(ListGroups, 5, { statesFilter: [], typesFilter: ['streams'] }),
  ask(DeleteGroups, 2, { groupsNames: [group] }),
]

const twoMembers: readonly Call[] = [
  join('B', { processId: 'p2', topology: counting(info('GROUP-changelog'), 2) }),
  beat('B', 4),
  beat('B', 4, { shutdownApplication: true }),
  beat('A', -1),
  beat('B', 5),
  beat('B', 4),
  describe,
  beat('B', -1),
  describe,
  commit('', -1),
  beat('B', 5),
  join('C', { userEndpoint: { host: 'here', port: 8080 } }),
  describe,
  beat('C', -1, { shutdownApplication: true }),
  ask(DeleteGroups, 2, { groupsNames: [group] }),
  describe,
]

const misfits: readonly Call[] = [
  join('M', { topology: { epoch: 0, subtopologies: [subtopology('0', ['GROUP-none', 'GROUP-nor'])] } }),
  beat('M', 2),
  describe,
  beat('M', -1),
  ask(DeleteGroups, 2, { groupsNames: [group] }),
  join('M', {
    topology: { epoch: 0, subtopologies: [subtopology('0', ['GROUP-lines', 'GROUP-other'], together([0, 1]))] },
  }),
  beat('M', -1),
  ask(DeleteGroups, 2, { groupsNames: [group] }),
  join('M', { topology: { epoch: 0, subtopologies: [subtopology('0', ['GROUP-lines', 'GROUP-other'])] } }),
  describe,
  beat('M', -1),
  ask(DeleteGroups, 2, { groupsNames: [group] }),
  join('M', {
    topology: {
      epoch: 0,
      subtopologies: [subtopology('0', ['GROUP-other'], { stateChangelogTopics: [info('GROUP-changelog')] })],
    },
  }),
  beat('M', -1),
  ask(DeleteGroups, 2, { groupsNames: [group] }),
  join('M', { topology: { epoch: 0, subtopologies: [] } }),
  beat('M', -1),
  ask(DeleteGroups, 2, { groupsNames: [group] }),
]

const steps: readonly Call[] = [...wrongRequests, ...oneMember, ...twoMembers, ...misfits]

/** One line a call. `name` must be new to the broker, and as long as 'a-group'. */
export async function converse(client: RawClient, name: string): Promise<string[]> {
  const sizes = { lines: 2, words: 2, changelog: 2, other: 3 }
  const topics = Object.entries(sizes).map(([topic, numPartitions]) => ({
    name: `${name}-${topic}`,
    numPartitions,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
  await client.call(CreateTopics, 5, { topics, timeoutMs: 5000, validateOnly: false })
  const lines: string[] = []
  for (const { api, version, request } of steps) {
    const written = rewritten(request, text => text.replace(group, name))
    const response = await client.call(api, version, written as never)
    const even = rewritten(response, text => text.replaceAll(name, group))
    lines.push(`${api.name} v${version} ${shown(even, evenedOut)}`)
  }
  return lines
}

const evenedOut = {
  without: new Set(['throttleTimeMs', 'clientHost', 'endpointInformationEpoch']),
  groups: new Set([group]),
}
