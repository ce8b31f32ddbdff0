/**
 * A conversation about one group, over three connections: most of what a client can ask a coordinator, rightly and wrongly. Held with
 * Apache Kafka once (kafka-answers.txt) and with our broker in every test run; the answers must be the same.
 *
 * Member ids are written `$A`; a step with `as: 'A'` learns the id from its answer. What two brokers may do differently is evened
 * out: ids, addresses, the wording of messages, the order of members and partitions.
 */
import {
  type AnyApi,
  CreateTopics,
  DeleteGroups,
  DescribeGroups,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  SyncGroup,
} from '@odradek/protocol'
import type { RawClient } from '../../testing/raw-client.ts'
import { type Call, type Fields, rewritten, shown } from './conversation.ts'

interface CallOn extends Call {
  readonly on: 0 | 1 | 2
  /** The name its member id has from here on. */
  readonly as?: string
  /** It will be answered when others have asked too: at the next `settle`. */
  readonly waits?: boolean
}

type Step = CallOn | { readonly until: string } | 'settle'

const group = 'GROUP'
const topic = 'GROUP-topic'

const ask = (api: AnyApi, version: number, request: Fields, more: Partial<CallOn> = {}): CallOn => ({
  on: 0,
  api,
  version,
  request,
  ...more,
})

const join = (version: number, memberId: string, request: Fields = {}, more: Partial<CallOn> = {}) =>
  ask(
    JoinGroup,
    version,
    {
      groupId: group,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 20_000,
      memberId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('ab') }],
      ...request,
    },
    more,
  )

const sync = (
  version: number,
  generationId: number,
  memberId: string,
  request: Fields = {},
  more: Partial<CallOn> = {},
) => ask(SyncGroup, version, { groupId: group, generationId, memberId, assignments: [], ...request }, more)

const beat = (generationId: number, memberId: string, request: Fields = {}, more: Partial<CallOn> = {}) =>
  ask(Heartbeat, 4, { groupId: group, generationId, memberId, ...request }, more)

const commit = (
  version: number,
  generationIdOrMemberEpoch: number,
  memberId: string,
  partition: Fields = {},
  request: Fields = {},
) =>
  ask(OffsetCommit, version, {
    groupId: group,
    generationIdOrMemberEpoch,
    memberId,
    topics: [
      { name: topic, partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: 'm', ...partition }] },
    ],
    ...request,
  })

const fetched = (version: number, topics: readonly Fields[] | null) =>
  ask(OffsetFetch, version, { groupId: group, topics })
const leave = (version: number, ...members: readonly Fields[]) => ask(LeaveGroup, version, { groupId: group, members })
const describe = (version: number) =>
  ask(DescribeGroups, version, { groups: [group], includeAuthorizedOperations: version >= 3 })
const forget = (...topics: readonly Fields[]) => ask(OffsetDelete, 0, { groupId: group, topics })
const remove = ask(DeleteGroups, 2, { groupsNames: [group] })
const place = (name: string, ...indexes: readonly number[]) => ({
  name,
  partitions: indexes.map(partitionIndex => ({ partitionIndex })),
})

const beforeItExists: readonly Step[] = [
  ...[0, 1, 2, 3].map(version => ask(FindCoordinator, version, { key: group, keyType: 0 })),
  ask(FindCoordinator, 6, { keyType: 0, coordinatorKeys: [group, ''] }),
  ask(FindCoordinator, 3, { keyType: 9, key: group }),
  beat(0, 'x'),
  beat(0, 'x', { groupId: '' }),
  sync(5, 0, 'x', { protocolType: 'consumer', protocolName: 'range' }),
  ask(LeaveGroup, 0, { groupId: group, memberId: 'x' }),
  ask(LeaveGroup, 2, { groupId: group, memberId: 'x' }),
  leave(5, { memberId: 'x', groupInstanceId: null, reason: null }),
  ...[0, 5, 6].map(describe),
  remove,
  forget(place(topic, 0)),
]

const offsetsOnly: readonly Step[] = [
  commit(8, 3, 'x'),
  commit(8, -1, 'x'),
  commit(2, -1, ''),
  commit(
    8,
    -1,
    '',
    {},
    { topics: [{ name: 'none', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }] }] },
  ),
  commit(8, -1, '', { partitionIndex: 7 }),
  commit(8, -1, '', { committedMetadata: 'm'.repeat(5000) }),
  commit(8, -1, '', { committedMetadata: null, committedLeaderEpoch: 3 }),
  ...[1, 2, 5, 7].map(version =>
    fetched(version, [
      { name: topic, partitionIndexes: [0, 1, 9] },
      { name: 'none', partitionIndexes: [0] },
    ]),
  ),
  fetched(2, null),
  fetched(7, null),
  ...[8, 9].map(version =>
    ask(OffsetFetch, version, {
      groups: [
        { groupId: group, topics: null },
        { groupId: 'another', topics: [{ name: topic, partitionIndexes: [0] }] },
      ],
    }),
  ),
  ask(OffsetFetch, 10, {
    groups: [{ groupId: group, topics: [{ topicId: '00000000-0000-4000-8000-000000000009', partitionIndexes: [0] }] }],
  }),
  ...[0, 5].map(describe),
]

const oneMember: readonly Step[] = [
  join(5, '', { sessionTimeoutMs: 100 }),
  join(5, '', { protocols: [] }),
  join(5, '', { protocolType: '' }),
  join(5, 'unknown'),
  join(5, '', { groupId: '' }),
  join(5, '', {}, { as: 'A' }),
  join(9, '$A'),
  beat(1, '$A'),
  commit(8, 1, '$A'),
  describe(5),
  sync(5, 1, '$A', { protocolType: 'x', protocolName: 'range' }),
  sync(5, 1, '$A', {
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId: '$A', assignment: Buffer.from('zz') }],
  }),
  describe(6),
  beat(99, '$A'),
  beat(1, '$A', { groupInstanceId: 'ii' }),
  join(3, '', { protocols: [{ name: 'other', metadata: Buffer.from('') }] }, { on: 1 }),
  join(3, '', { protocolType: 'connect' }, { on: 1 }),
  remove,
  forget(place(topic, 0)),
]

const asStatic = { groupInstanceId: 's1' }

const staticMember: readonly Step[] = [
  join(6, '', asStatic, { on: 1, as: 'B', waits: true }),
  { until: 'PreparingRebalance' },
  beat(1, '$A'),
  commit(8, 1, '$A'),
  sync(3, 1, '$A'),
  describe(5),
  join(6, '$A'),
  'settle',
  join(5, '$A'),
  sync(4, 2, '$B', asStatic, { on: 1, waits: true }),
  sync(4, 2, '$A', { assignments: [{ memberId: '$B', assignment: Buffer.from('q') }] }),
  'settle',
  join(6, '$B', asStatic, { on: 1 }),
  join(9, '', asStatic, { on: 2, as: 'C' }),
  sync(5, 2, '$C', { ...asStatic, protocolType: 'consumer', protocolName: 'range' }, { on: 2 }),
  beat(2, '$B', asStatic, { on: 1 }),
  beat(2, '$B', {}, { on: 1 }),
  commit(8, 2, '$B', {}, asStatic),
  join(9, '$B', asStatic, { on: 1 }),
  sync(5, 2, '$B', asStatic, { on: 1 }),
  describe(5),
]

const theEnd: readonly Step[] = [
  leave(
    3,
    { memberId: '$B', groupInstanceId: 's1' },
    { memberId: 'nobody', groupInstanceId: null },
    { memberId: '', groupInstanceId: 's9' },
  ),
  leave(3, { memberId: '', groupInstanceId: 's1' }),
  beat(2, '$A'),
  ask(LeaveGroup, 1, { groupId: group, memberId: '$A' }),
  { until: 'Empty' },
  describe(5),
  forget(place(topic, 0, 9), place('none', 0)),
  ask(ListGroups, 3, {}),
  ask(ListGroups, 4, { statesFilter: ['Empty'] }),
  ask(ListGroups, 5, { statesFilter: ['empty'], typesFilter: ['classic'] }),
  ask(ListGroups, 5, { typesFilter: ['consumer'] }),
  ask(ListGroups, 5, { statesFilter: ['bogus'] }),
  remove,
  describe(5),
]

const steps: readonly Step[] = [...beforeItExists, ...offsetsOnly, ...oneMember, ...staticMember, ...theEnd]

/** One line a call: what was asked, and what was answered. `name` must be new to the broker. */
export async function converse(clients: readonly [RawClient, RawClient, RawClient], name: string): Promise<string[]> {
  const ids = new Map<string, string>()
  const written = (value: unknown): unknown => rewritten(value, text => ids.get(text) ?? text.replace(group, name))
  const stateIs = async (state: string) =>
    (await clients[2].call(DescribeGroups, 5, { groups: [name] })).groups[0]!.groupState === state
  await settled(clients[0], name, topic.replace(group, name))
  const answers: Promise<{ call: CallOn; response: unknown }>[] = []
  for (const step of steps) {
    if (step === 'settle') await Promise.all(answers)
    else if ('until' in step) while (!(await stateIs(step.until)));
    else {
      const { on, api, version, request, as } = step
      const answer = clients[on].call(api, version, written(request) as never).then((response: any) => {
        if (as) ids.set(`$${as}`, response.memberId)
        return { call: step, response }
      })
      answers.push(answer)
      if (!step.waits) await answer
    }
  }
  const all = await Promise.all(answers)
  return all.map(({ call, response }) => `${call.api.name} v${call.version} ${evened(response, name, ids)}`)
}

/** The topic is there, and the coordinator has found itself. */
async function settled(client: RawClient, groupId: string, topicName: string): Promise<void> {
  const wanted = { name: topicName, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  await client.call(CreateTopics, 5, { topics: [wanted], timeoutMs: 5000, validateOnly: false })
  const isReady = async () => (await client.call(OffsetFetch, 7, { groupId, topics: null })).errorCode === 0
  while (!(await isReady())) await client.call(FindCoordinator, 3, { key: groupId, keyType: 0 })
}

const evenedOut = {
  without: new Set(['errorMessage', 'nodeId', 'host', 'port']),
  groups: new Set([group, 'another']),
}

function evened(response: unknown, name: string, ids: ReadonlyMap<string, string>): string {
  const names = new Map([...ids].map(([alias, id]) => [id, alias]))
  const even = rewritten(response, text => names.get(text) ?? text.replace(name, group))
  return shown(even, evenedOut)
}
