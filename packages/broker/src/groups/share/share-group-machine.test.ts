import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import type { ShareGroup } from './share-group.ts'
import { heartbeatStep, leaveStep, type ShareHeartbeat, type ShareStep } from './share-group-machine.ts'
import { ShareImage } from './share-image.ts'
import { type ShareRecord, sharePart } from './share-records.ts'
import { simpleAssignment } from './simple-assignor.ts'

const ids = { a: '00000000-0000-0000-0000-00000000000a', b: '00000000-0000-0000-0000-00000000000b' }

/** A group whose records are applied as they would be when durable: as bytes, there and back. */
class World {
  readonly image = new ShareImage()
  readonly partitions: Record<string, number> = { a: 2, b: 2 }
  readonly records: ShareRecord[] = []

  get around() {
    const topic = (name: string) =>
      this.partitions[name] === undefined ? undefined : { id: ids[name as 'a'], partitions: this.partitions[name] }
    return { maxSize: 3, topic }
  }

  get group(): ShareGroup {
    return this.image.group('g')!
  }

  heartbeat(memberId: string, memberEpoch: number, topics: string[] | null = null): ShareStep['reply'] {
    const asked: ShareHeartbeat = {
      groupId: 'g',
      memberId,
      memberEpoch,
      topics,
      rackId: null,
      clientId: 'c',
      clientHost: '/h',
    }
    return this.apply(heartbeatStep(this.image.group('g'), asked, this.around))
  }

  apply({ records, reply }: ShareStep): ShareStep['reply'] {
    for (const record of records) {
      const { key, value } = sharePart.encode(record)
      this.image.apply(sharePart.decode(key as Uint8Array, value as Uint8Array | null))
      this.records.push(record)
    }
    return reply
  }
}

const assigned = (reply: ShareStep['reply']) => reply.assignment && Object.fromEntries(reply.assignment)

test('members join, share what there is, and leave', () => {
  const world = new World()
  assert.deepEqual(assigned(world.heartbeat('ada', 0, ['a'])), { [ids.a]: [0, 1] })
  assert.deepEqual(assigned(world.heartbeat('bob', 0, ['a'])), { [ids.a]: [1] })
  const ada = world.heartbeat('ada', 1)
  assert.equal(ada.memberEpoch, 2)
  assert.deepEqual(assigned(ada), { [ids.a]: [0] })
  assert.equal(world.heartbeat('ada', 2).assignment, null, 'no news')
  world.apply(leaveStep(world.group, 'bob', world.around))
  assert.deepEqual(assigned(world.heartbeat('ada', 2)), { [ids.a]: [0, 1] })
  assert.deepEqual([...world.group.kept.values()], [{ topicName: 'a', partitions: [0, 1] }])
})

test('a heartbeat without news needs no record', () => {
  const world = new World()
  world.heartbeat('ada', 0, ['a'])
  const before = world.records.length
  world.heartbeat('ada', 1)
  assert.equal(world.records.length, before)
})

test('a topic that comes, grows or goes is noticed with the next heartbeat', () => {
  const world = new World()
  delete world.partitions.b
  assert.deepEqual(assigned(world.heartbeat('ada', 0, ['b'])), {})
  world.partitions.b = 1
  assert.deepEqual(assigned(world.heartbeat('ada', 1)), { [ids.b]: [0] })
  world.partitions.b = 2
  assert.deepEqual(assigned(world.heartbeat('ada', 2)), { [ids.b]: [0, 1] })
  delete world.partitions.b
  assert.deepEqual(assigned(world.heartbeat('ada', 3)), {})
})

test('epochs that do not fit are fenced, and the one before may still be said', () => {
  const world = new World()
  world.heartbeat('ada', 0, ['a'])
  world.heartbeat('bob', 0, ['a'])
  world.heartbeat('ada', 1)
  const cases: [memberId: string, epoch: number, topics: string[] | null, error: number][] = [
    ['ada', 1, null, ErrorCodes.NONE],
    ['ada', 3, null, ErrorCodes.FENCED_MEMBER_EPOCH],
    ['ada', -2, null, ErrorCodes.INVALID_REQUEST],
    ['ada', 0, null, ErrorCodes.INVALID_REQUEST],
    ['eve', 1, null, ErrorCodes.UNKNOWN_MEMBER_ID],
    ['eve', -1, null, ErrorCodes.UNKNOWN_MEMBER_ID],
    ['ada', 0, ['a'], ErrorCodes.NONE],
    ['cy', 0, ['a'], ErrorCodes.NONE],
    ['dan', 0, ['a'], ErrorCodes.GROUP_MAX_SIZE_REACHED],
  ]
  for (const [memberId, epoch, topics, error] of cases)
    assert.equal(world.heartbeat(memberId, epoch, topics).error, error, `${memberId} ${epoch}`)
  assert.equal(new World().heartbeat('ada', 1).error, ErrorCodes.GROUP_ID_NOT_FOUND)
})

test('the records of a group, in any order, make it again, and its removal forgets all of it', () => {
  const world = new World()
  world.heartbeat('ada', 0, ['a', 'b'])
  world.heartbeat('bob', 0, ['b'])
  const last = new Map(
    world.records.map(record => [JSON.stringify([record.about, 'memberId' in record ? record.memberId : '']), record]),
  )
  const again = new ShareImage()
  for (const record of [...last.values()].reverse()) again.apply(record)
  assert.deepEqual(again.group('g'), world.group)
  for (const record of again.removal('g')) again.apply(record)
  assert.equal(again.group('g'), undefined)
  assert.deepEqual([...again.groupIds()], [])
})

/** As Kafka 4.3.1's SimpleAssignor deals, member by member. */
const deals: [members: number, partitions: number, hands: number[][]][] = [
  [1, 3, [[0, 1, 2]]],
  [2, 3, [[0, 2], [1]]],
  [3, 4, [[0, 3], [1], [2]]],
  [3, 2, [[0, 1], [0], [1]]],
  [5, 2, [[0, 1], [0], [0], [1], [1]]],
  [5, 3, [[0, 2], [0], [1], [1], [2]]],
]

test('partitions are dealt as Kafka deals them', () => {
  for (const [count, partitions, hands] of deals) {
    const names = Array.from({ length: count }, (_, i) => `m${i}`)
    const members = new Map(names.map(name => [name, { topicIds: [ids.a], assigned: new Map() }]))
    const dealt = simpleAssignment({ members, partitionsOf: () => partitions })
    assert.deepEqual(
      names.map(name => dealt.get(name)!.get(ids.a)),
      hands,
      `${count} members, ${partitions} partitions`,
    )
  }
})

test('a member that comes takes from the others no more than its share', () => {
  const first = new Map(
    ['m0', 'm1'].map(name => [name, { topicIds: [ids.a], assigned: new Map<string, readonly number[]>() }]),
  )
  const before = simpleAssignment({ members: first, partitionsOf: () => 4 })
  const members = new Map(Array.from(before, ([name, assigned]) => [name, { topicIds: [ids.a], assigned }]))
  members.set('m2', { topicIds: [ids.a], assigned: new Map() })
  const after = simpleAssignment({ members, partitionsOf: () => 4 })
  assert.deepEqual(
    [...after.values()].map(hand => hand.get(ids.a)),
    [[0, 2], [1], [3]],
  )
})

test('where members want different topics, each topic is dealt among those who want it', () => {
  const members = new Map([
    ['m0', { topicIds: [ids.a], assigned: new Map() }],
    ['m1', { topicIds: [ids.a, ids.b], assigned: new Map() }],
    ['m2', { topicIds: [ids.b], assigned: new Map() }],
  ])
  const dealt = simpleAssignment({ members, partitionsOf: () => 3 })
  assert.deepEqual(Object.fromEntries(dealt.get('m1')!), { [ids.a]: [1], [ids.b]: [0, 2] })
})
