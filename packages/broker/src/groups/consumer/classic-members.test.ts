/** Members of the classic protocol and of the new one in a group: it turns into a consumer group and back while they work. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  DescribeGroups,
  decodeConsumerProtocol,
  ErrorCodes,
  encodeConsumerProtocol,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  type RequestInput,
  type Response,
  SyncGroup,
} from '@odradek/protocol'
import type { RawClient } from '../../testing/raw-client.ts'
import { TestBroker } from '../../testing/test-broker.ts'

const groupId = 'g'

/** A classic consumer that deals for itself when it leads: all partitions of 't' to the first member. */
class ClassicClient {
  readonly #client: RawClient
  memberId = ''
  generation = -1
  owned: readonly number[] = []
  readonly instanceId: string | null

  constructor(client: RawClient, instanceId: string | null = null) {
    this.#client = client
    this.instanceId = instanceId
  }

  async join(more: Partial<RequestInput<typeof JoinGroup>> = {}): Promise<Response<typeof JoinGroup>> {
    const ownedPartitions = [{ topic: 't', partitions: [...this.owned] }]
    const metadata = encodeConsumerProtocol(ConsumerProtocolSubscription, 1, {
      topics: ['t'],
      userData: null,
      ownedPartitions,
    })
    const answer = await this.#client.call(JoinGroup, 5, {
      groupId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 20_000,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: 'consumer',
      protocols: [{ name: 'cooperative-sticky', metadata }],
      ...more,
    })
    if (answer.errorCode === ErrorCodes.NONE || answer.errorCode === ErrorCodes.MEMBER_ID_REQUIRED)
      this.memberId = answer.memberId
    if (answer.errorCode === ErrorCodes.MEMBER_ID_REQUIRED) return this.join(more)
    this.generation = answer.generationId
    return answer
  }

  async sync(assignments: readonly { memberId: string; assignment: Uint8Array }[] = []): Promise<number> {
    const { memberId, generation: generationId, instanceId: groupInstanceId } = this
    const request = { groupId, memberId, generationId, groupInstanceId, assignments: [...assignments] }
    const { errorCode, assignment } = await this.#client.call(SyncGroup, 3, request)
    if (errorCode === ErrorCodes.NONE && assignment.length > 0) {
      const { value } = decodeConsumerProtocol(ConsumerProtocolAssignment, assignment)
      this.owned = value.assignedPartitions.flatMap(({ partitions }) => partitions)
    }
    return errorCode
  }

  async beat(): Promise<number> {
    const { memberId, generation: generationId, instanceId: groupInstanceId } = this
    return (await this.#client.call(Heartbeat, 4, { groupId, memberId, generationId, groupInstanceId })).errorCode
  }

  async leave(): Promise<number> {
    const { memberId, instanceId: groupInstanceId } = this
    const { members } = await this.#client.call(LeaveGroup, 4, { groupId, members: [{ memberId, groupInstanceId }] })
    return members[0]!.errorCode
  }
}

const allOf = (partitions: number[]) =>
  encodeConsumerProtocol(ConsumerProtocolAssignment, 1, {
    assignedPartitions: [{ topic: 't', partitions }],
    userData: null,
  })

type Beat = Partial<RequestInput<typeof ConsumerGroupHeartbeat>>
const beat = (client: RawClient, memberId: string, memberEpoch: number, more: Beat = {}) =>
  client.call(ConsumerGroupHeartbeat, 1, { groupId, memberId, memberEpoch, ...more })
const joinNew = (client: RawClient, memberId: string, more: Beat = {}) =>
  beat(client, memberId, 0, { rebalanceTimeoutMs: 60_000, topicPartitions: [], subscribedTopicNames: ['t'], ...more })

async function stableClassic(broker: TestBroker, instanceId: string | null = null): Promise<ClassicClient> {
  await broker.topic('t', 4)
  const member = new ClassicClient(await broker.client(), instanceId)
  assert.equal((await member.join()).errorCode, 0)
  assert.equal(await member.sync([{ memberId: member.memberId, assignment: allOf([0, 1, 2, 3]) }]), 0)
  return member
}

const typeOf = async (client: RawClient) =>
  (await client.call(ListGroups, 5, { statesFilter: [], typesFilter: [] })).groups.map(({ groupType }) => groupType)

test('a newcomer turns a classic group into a consumer group: its member works on, gives up what it must, and gets no more', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  const member = await stableClassic(broker)
  const newcomer = await joinNew(client, 'N')
  assert.equal(newcomer.errorCode, 0)
  assert.deepEqual(await typeOf(client), ['consumer'])
  assert.deepEqual(newcomer.assignment!.topicPartitions, [])
  // It is told to join again, learns what it may keep, and says that it has given up the rest by joining once more.
  assert.equal(await member.beat(), ErrorCodes.REBALANCE_IN_PROGRESS)
  assert.equal((await member.join()).errorCode, 0)
  assert.equal(await member.sync(), 0)
  assert.equal(member.owned.length, 2)
  assert.equal(await member.beat(), ErrorCodes.REBALANCE_IN_PROGRESS)
  assert.equal((await member.join()).errorCode, 0)
  assert.equal(await member.sync(), 0)
  assert.equal(await member.beat(), 0)
  const got = await beat(client, 'N', newcomer.memberEpoch)
  assert.equal(got.assignment!.topicPartitions[0]!.partitions.length, 2)
  const { groups } = await client.call(ConsumerGroupDescribe, 1, {
    groupIds: [groupId],
    includeAuthorizedOperations: false,
  })
  assert.equal(groups[0]!.groupState, 'Stable')
  assert.deepEqual(groups[0]!.members.map(({ memberType }) => memberType).sort(), [0, 1])
})

test('when the last member of the new protocol leaves the group is a classic one again, and deals anew', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  const member = await stableClassic(broker)
  await joinNew(client, 'N')
  assert.equal((await beat(client, 'N', -1)).errorCode, 0)
  assert.deepEqual(await typeOf(client), ['classic'])
  const { groups } = await client.call(DescribeGroups, 5, { groups: [groupId] })
  assert.equal(groups[0]!.groupState, 'PreparingRebalance')
  const joined = await member.join()
  assert.equal(joined.errorCode, 0)
  assert.equal(joined.leader, member.memberId)
  assert.equal(await member.sync([{ memberId: member.memberId, assignment: allOf([0, 1, 2, 3]) }]), 0)
  assert.deepEqual(member.owned, [0, 1, 2, 3])
  assert.equal(await member.beat(), 0)
})

test('a classic consumer that joins a consumer group is served, and an empty consumer group becomes a classic one', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  await broker.topic('t', 4)
  await joinNew(client, 'N')
  const member = new ClassicClient(await broker.client())
  assert.equal((await member.join()).errorCode, 0)
  assert.equal(await member.sync(), 0)
  assert.deepEqual(member.owned, [])
  assert.equal(await member.leave(), 0)
  assert.equal((await beat(client, 'N', -1)).errorCode, 0)
  assert.deepEqual(await typeOf(client), ['consumer'])
  const another = new ClassicClient(await broker.client())
  const joined = await another.join()
  assert.equal(joined.leader, another.memberId)
  assert.deepEqual(await typeOf(client), ['classic'])
})

test('a static member goes over to the new protocol and back, and keeps its place', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  const before = await stableClassic(broker, 'i')
  const over = await joinNew(client, 'N', { instanceId: 'i' })
  assert.equal(over.errorCode, 0)
  assert.deepEqual(over.assignment!.topicPartitions[0]!.partitions, [0, 1, 2, 3])
  assert.equal(await before.beat(), ErrorCodes.FENCED_INSTANCE_ID)
  const back = new ClassicClient(await broker.client(), 'i')
  assert.equal((await back.join()).errorCode, 0)
  assert.equal(await back.sync(), 0)
  assert.deepEqual(back.owned, [0, 1, 2, 3])
  assert.deepEqual(await typeOf(client), ['classic'])
  assert.equal(
    (await beat(client, 'N', over.memberEpoch, { instanceId: 'i' })).errorCode,
    ErrorCodes.GROUP_ID_NOT_FOUND,
  )
})

for (const [policy, newInClassic, classicInNew] of [
  ['disabled', ErrorCodes.GROUP_ID_NOT_FOUND, ErrorCodes.INCONSISTENT_GROUP_PROTOCOL],
  ['downgrade', ErrorCodes.GROUP_ID_NOT_FOUND, 0],
  ['upgrade', 0, 0],
] as const)
  test(`with the migration policy '${policy}' only what it allows is done`, async () => {
    await using broker = await TestBroker.start({ config: { 'group.consumer.migration.policy': policy } })
    const client = await broker.client()
    const member = await stableClassic(broker)
    assert.equal((await joinNew(client, 'N')).errorCode, newInClassic)
    assert.equal(await member.beat(), newInClassic === 0 ? ErrorCodes.REBALANCE_IN_PROGRESS : 0)
    if (newInClassic === 0) {
      await beat(client, 'N', -1)
      assert.deepEqual(await typeOf(client), ['consumer'], 'nobody of the new protocol is left, and it stays one')
    } else {
      await member.leave()
      assert.equal((await joinNew(client, 'N')).errorCode, 0, 'an empty group may always change')
      assert.equal((await new ClassicClient(await broker.client()).join()).errorCode, classicInNew)
    }
  })

test('a group of something else than consumers, or one that speaks in riddles, is not taken over', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  const connect = new ClassicClient(await broker.client())
  await connect.join({ protocolType: 'connect' })
  assert.equal((await joinNew(client, 'N')).errorCode, ErrorCodes.GROUP_ID_NOT_FOUND)
  assert.equal(await connect.leave(), 0)
  const riddle = new ClassicClient(await broker.client())
  await riddle.join({ protocols: [{ name: 'x', metadata: Buffer.from('?') }] })
  assert.equal((await joinNew(client, 'N')).errorCode, ErrorCodes.GROUP_ID_NOT_FOUND)
  assert.equal(await riddle.beat(), 0, 'it works on')
})
