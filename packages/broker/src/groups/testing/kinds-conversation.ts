/**
 * A conversation about groups of every kind under one namespace of ids: what is asked in the words of one kind about a group of another,
 * and what is common to all (listing, offsets, deletion). Held with Apache Kafka once (kafka-kinds-answers.txt) and with our broker in
 * every test run; the answers must be the same. A line a call.
 */
import {
  type AnyApi,
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
  CreateTopics,
  DeleteGroups,
  DescribeGroups,
  errorByCode,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  ShareGroupDescribe,
  ShareGroupHeartbeat,
  SyncGroup,
} from '@odradek/protocol'
import type { RawClient } from '../../testing/raw-client.ts'

type Fields = Readonly<Record<string, unknown>>

const nameOf = (code: number): string => errorByCode(code).name

/** As members of the classic protocol say it: version 0, no topics, no data. */
const subscription = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

export class KindsConversation {
  readonly lines: string[] = []
  readonly #client: RawClient
  readonly #name: string
  readonly #topic: string

  /** `name` must be new to the broker. */
  constructor(client: RawClient, name: string) {
    this.#client = client
    this.#name = name
    this.#topic = `${name}-topic`
  }

  async hold(): Promise<string[]> {
    await this.#settle()
    await this.#classicMember('a-classic')
    await this.#call('consumer member', ConsumerGroupHeartbeat, 0, {
      ...joining,
      groupId: this.#id('b-consumer'),
      ...this.#topics,
    })
    await this.#call('share member', ShareGroupHeartbeat, 1, {
      ...joining,
      groupId: this.#id('c-share'),
      ...this.#topics,
    })
    await this.#commit(9, 'd-simple', { partition: 0, memberId: '', epoch: -1 })
    await this.#list()
    for (const group of groups) {
      await this.#classicWords(group)
      await this.#newerWords(group)
      await this.#offsets(group)
      await this.#deletion(group)
    }
    await this.#list()
    await this.#changes()
    return this.lines
  }

  get #topics() {
    return { subscribedTopicNames: [this.#topic] }
  }

  #id(group: string): string {
    return `${this.#name}-${group}`
  }

  /** The topic is there, and the coordinator has found itself. */
  async #settle(): Promise<void> {
    const wanted = { name: this.#topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    await this.#client.call(CreateTopics, 5, { topics: [wanted], timeoutMs: 5000, validateOnly: false })
    for (const group of [...groups, 'e-changing', 'f-changing']) {
      const groupId = this.#id(group)
      while ((await this.#client.call(OffsetFetch, 7, { groupId, topics: null })).errorCode !== 0)
        await this.#client.call(FindCoordinator, 3, { key: groupId, keyType: 0 })
    }
  }

  async #classicMember(group: string): Promise<void> {
    const groupId = this.#id(group)
    const { memberId, generationId } = await this.#client.call(JoinGroup, 3, this.#joinRequest(group, ''))
    const assignments = [{ memberId, assignment: new Uint8Array(0) }]
    const { errorCode } = await this.#client.call(SyncGroup, 3, { groupId, generationId, memberId, assignments })
    this.#say('classic member', nameOf(errorCode))
  }

  #joinRequest(group: string, memberId: string, protocolType = 'consumer') {
    const protocols = [{ name: 'range', metadata: subscription }]
    const timeouts = { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 30_000 }
    return { groupId: this.#id(group), ...timeouts, memberId, protocolType, protocols }
  }

  async #list(): Promise<void> {
    await this.#listed(3, {})
    await this.#listed(4, {})
    await this.#listed(5, {})
    for (const typesFilter of [['classic'], ['Consumer'], ['SHARE', 'classic'], ['streams'], ['bogus'], ['unknown']])
      await this.#listed(5, { typesFilter })
    for (const statesFilter of [['Stable'], ['empty'], ['Dead'], ['assigning', 'STABLE']])
      await this.#listed(5, { statesFilter })
    await this.#listed(5, { statesFilter: ['Stable'], typesFilter: ['share', 'consumer'] })
  }

  async #listed(version: number, request: Fields): Promise<void> {
    const { errorCode, groups } = await this.#client.call(ListGroups, version, request as never)
    const mine = groups.filter(({ groupId }) => groupId.startsWith(this.#name))
    const rows = mine.map(group => `${group.groupId}(${group.protocolType},${group.groupState},${group.groupType})`)
    this.#say(`ListGroups v${version} ${JSON.stringify(request)}`, `${nameOf(errorCode)} ${rows.toSorted().join(' ')}`)
  }

  async #classicWords(group: string): Promise<void> {
    const groupId = this.#id(group)
    await this.#call(group, Heartbeat, 4, { groupId, generationId: 1, memberId: 'x' })
    await this.#call(group, Heartbeat, 4, { groupId, generationId: 1, memberId: 'x', groupInstanceId: 'i' })
    await this.#call(group, SyncGroup, 5, { groupId, generationId: 1, memberId: 'x', assignments: [] })
    await this.#call(group, LeaveGroup, 1, { groupId, memberId: 'x' })
    const members = [{ memberId: 'x', groupInstanceId: null }]
    const [left] = (await this.#client.call(LeaveGroup, 5, { groupId, members })).members
    this.#say(`${group} LeaveGroup v5`, nameOf(left!.errorCode))
    await this.#call(`${group} unknown`, JoinGroup, 5, this.#joinRequest(group, 'x'))
    await this.#call(`${group} of connect`, JoinGroup, 5, this.#joinRequest(group, 'x', 'connect'))
    for (const version of [5, 6]) {
      const { groups } = await this.#client.call(DescribeGroups, version, { groups: [groupId] })
      const { errorCode, groupState, protocolType, members } = groups[0]!
      this.#say(
        `${group} DescribeGroups v${version}`,
        `${nameOf(errorCode)} ${groupState} ${protocolType} ${members.length}`,
      )
    }
  }

  async #newerWords(group: string): Promise<void> {
    const groupId = this.#id(group)
    const beat = { groupId, memberId: 'x', memberEpoch: 3, topicPartitions: [], rebalanceTimeoutMs: 5000 }
    await this.#call(group, ConsumerGroupHeartbeat, 0, beat)
    await this.#call(group, ShareGroupHeartbeat, 1, { groupId, memberId: 'x', memberEpoch: 3 })
    if (group === 'a-classic' || group === 'b-consumer')
      await this.#call(`${group} joins`, ShareGroupHeartbeat, 1, { ...joining, groupId, ...this.#topics })
    if (group === 'c-share')
      await this.#call(`${group} joins`, ConsumerGroupHeartbeat, 0, { ...joining, groupId, ...this.#topics })
    for (const api of [ConsumerGroupDescribe, ShareGroupDescribe] as const) {
      const request = { groupIds: [groupId], includeAuthorizedOperations: false }
      const described = await this.#client.call<typeof ConsumerGroupDescribe | typeof ShareGroupDescribe>(
        api,
        1,
        request,
      )
      const { errorCode, groupState, members } = described.groups[0]!
      this.#say(`${group} ${api.name}`, `${nameOf(errorCode)} ${groupState} ${members.length}`)
    }
  }

  async #offsets(group: string): Promise<void> {
    for (const version of [8, 9]) {
      await this.#commit(version, group, { partition: 0, memberId: '', epoch: -1 })
      await this.#commit(version, group, { partition: 0, memberId: 'x', epoch: 40 })
      await this.#commit(version, group, { partition: 0, memberId, epoch: 7 })
    }
    await this.#fetch(group, null, -1)
    await this.#fetch(group, 'x', 40)
    await this.#fetch(group, memberId, 7)
    await this.#fetch(group, memberId, 0)
    const topics = [this.#topic, 'elsewhere'].map(name => ({ name, partitions: [{ partitionIndex: 0 }] }))
    const answer = await this.#client.call(OffsetDelete, 0, { groupId: this.#id(group), topics })
    const answered = answer.topics.toSorted((a, b) => (a.name === 'elsewhere' ? 1 : b.name === 'elsewhere' ? -1 : 0))
    const errors = answered.flatMap(topic => topic.partitions.map(partition => nameOf(partition.errorCode)))
    this.#say(`${group} OffsetDelete`, [nameOf(answer.errorCode), ...errors].join(' '))
  }

  async #commit(
    version: number,
    group: string,
    o: { partition: number; memberId: string; epoch: number },
  ): Promise<void> {
    const partitions = [{ partitionIndex: o.partition, committedOffset: 5, committedMetadata: null }]
    const { topics } = await this.#client.call(OffsetCommit, version, {
      groupId: this.#id(group),
      memberId: o.memberId,
      generationIdOrMemberEpoch: o.epoch,
      topics: [{ name: this.#topic, partitions }],
    })
    const who = o.memberId === '' ? 'nobody' : o.memberId === 'x' ? 'a stranger' : 'a member'
    this.#say(`${group} OffsetCommit v${version} of ${who}`, nameOf(topics[0]!.partitions[0]!.errorCode))
  }

  async #fetch(group: string, memberId: string | null, memberEpoch: number): Promise<void> {
    const topics = [{ name: this.#topic, partitionIndexes: [0] }]
    const request = { groups: [{ groupId: this.#id(group), memberId, memberEpoch, topics }] }
    const [answer] = (await this.#client.call(OffsetFetch, 9, request)).groups
    const offsets = answer!.topics.flatMap(topic => topic.partitions.map(({ committedOffset }) => committedOffset))
    const who = memberId === null ? 'nobody' : memberId === 'x' ? 'a stranger' : 'a member'
    this.#say(`${group} OffsetFetch by ${who} of ${memberEpoch}`, `${nameOf(answer!.errorCode)} ${offsets.join(' ')}`)
  }

  async #deletion(group: string): Promise<void> {
    const { results } = await this.#client.call(DeleteGroups, 2, { groupsNames: [this.#id(group)] })
    this.#say(`${group} DeleteGroups`, nameOf(results[0]!.errorCode))
  }

  /** An id changes its kind when the group of the other kind is empty, or is gone. */
  async #changes(): Promise<void> {
    const leaving = { memberId, memberEpoch: -1 }
    await this.#call('leaves', ConsumerGroupHeartbeat, 0, { ...leaving, groupId: this.#id('b-consumer') })
    await this.#call('leaves', ShareGroupHeartbeat, 1, { ...leaving, groupId: this.#id('c-share') })
    await this.#listed(5, {})
    await this.#call('to share', ShareGroupHeartbeat, 1, {
      ...joining,
      groupId: this.#id('b-consumer'),
      ...this.#topics,
    })
    await this.#call('to consumer', ConsumerGroupHeartbeat, 0, {
      ...joining,
      groupId: this.#id('c-share'),
      ...this.#topics,
    })
    await this.#call('to classic', JoinGroup, 3, this.#joinRequest('c-share', ''))
    for (const group of ['b-consumer', 'c-share']) await this.#deletion(group)
    await this.#listed(5, {})
    await this.#commit(9, 'e-changing', { partition: 0, memberId: '', epoch: -1 })
    const groupId = this.#id('e-changing')
    await this.#call('simple to share', ShareGroupHeartbeat, 1, { ...joining, groupId, ...this.#topics })
    await this.#call('simple to consumer', ConsumerGroupHeartbeat, 0, { ...joining, groupId, ...this.#topics })
    await this.#fetch('e-changing', null, -1)
    await this.#call('leaves', ConsumerGroupHeartbeat, 0, { ...leaving, groupId })
    await this.#call('consumer to classic', JoinGroup, 3, this.#joinRequest('e-changing', ''))
    await this.#fetch('e-changing', null, -1)
    await this.#listed(5, {})
  }

  async #call(what: string, api: AnyApi, version: number, request: Fields): Promise<void> {
    const { errorCode } = (await this.#client.call(api, version, request as never)) as { errorCode: number }
    this.#say(`${what} ${api.name} v${version}`, nameOf(errorCode))
  }

  #say(what: string, answer: string): void {
    this.lines.push(`${what}: ${answer}`.replaceAll(`${this.#name}-`, ''))
  }
}

const groups = ['a-classic', 'b-consumer', 'c-share', 'd-simple', 'z-absent']
const memberId = 'AAAAAAAAAAAAAAAAAAAAAQ'
const joining = { memberId, memberEpoch: 0, rebalanceTimeoutMs: 30_000, topicPartitions: [] }
