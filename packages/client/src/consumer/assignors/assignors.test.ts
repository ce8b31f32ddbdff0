import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Assignments, GroupMember } from './assignor.ts'
import { balance } from './balance.ts'
import { cooperativeSticky, decodeGeneration, encodeGeneration } from './cooperative-sticky.ts'
import { inStableOrder } from './group-view.ts'
import { range } from './range.ts'
import { roundRobin } from './round-robin.ts'
import { decodeStickyUserData, encodeStickyUserData, sticky } from './sticky.ts'

const member = (memberId: string, topics: string[], more: Partial<GroupMember> = {}): GroupMember => ({
  memberId,
  groupInstanceId: null,
  topics,
  owned: [],
  generation: -1,
  rackId: null,
  userData: null,
  ...more,
})

const written = (assignments: Assignments): string[] =>
  Array.from(assignments, ([id, a]) => `${id}: ${a.partitions.map(at => `${at.topic}${at.partition}`).join(' ')}`)

const partitionsOf = (topic: string): number => ({ t: 3, u: 3 })[topic] ?? 0
const tu = ['t', 'u']

test('range: the first members take one more of each topic', async () => {
  const group = { members: [member('b', tu), member('a', tu)], partitionsOf }
  assert.deepEqual(written(await range.assign(group)), ['b: t2 u2', 'a: t0 t1 u0 u1'])
})

test('round-robin: partitions are dealt out over topic borders', async () => {
  const group = { members: [member('a', tu), member('b', tu)], partitionsOf }
  assert.deepEqual(written(await roundRobin.assign(group)), ['a: t0 t2 u1', 'b: t1 u0 u2'])
})

test('round-robin passes over members that do not want the topic', async () => {
  const group = { members: [member('a', ['t']), member('b', tu)], partitionsOf }
  assert.deepEqual(written(await roundRobin.assign(group)), ['a: t0 t2', 'b: t1 u0 u1 u2'])
})

test('a topic that does not exist gives nobody anything', async () => {
  for (const assignor of [range, roundRobin, sticky(), cooperativeSticky()]) {
    assert.deepEqual(written(await assignor.assign({ members: [member('a', ['none'])], partitionsOf })), ['a: '])
  }
})

test('static members keep their place under a new member id', () => {
  const before = [
    member('x', tu, { groupInstanceId: 'i1' }),
    member('c', tu),
    member('y', tu, { groupInstanceId: 'i2' }),
  ]
  const after = [
    member('q', tu, { groupInstanceId: 'i1' }),
    member('c', tu),
    member('a', tu, { groupInstanceId: 'i2' }),
  ]
  assert.deepEqual(
    inStableOrder(before).map(m => m.memberId),
    ['x', 'y', 'c'],
  )
  assert.deepEqual(
    inStableOrder(after).map(m => m.memberId),
    ['q', 'a', 'c'],
  )
})

test('of two claims the younger generation holds', () => {
  const group = { members: [member('a', ['t']), member('b', ['t'])], partitionsOf: () => 2 }
  const owners = balance(group, [
    { memberId: 'a', partitions: [{ topic: 't', partition: 0 }], generation: 4 },
    { memberId: 'b', partitions: [{ topic: 't', partition: 0 }], generation: 5 },
  ])
  assert.deepEqual(owners.get('b'), [{ topic: 't', partition: 0 }])
})

test('cooperative-sticky hands a partition over in two rounds', async () => {
  const both = [
    { topic: 't', partition: 0 },
    { topic: 't', partition: 1 },
  ]
  const join = (members: GroupMember[]) => cooperativeSticky().assign({ members, partitionsOf: () => 2 })
  const first = await join([member('a', ['t'], { owned: both, generation: 1 }), member('b', ['t'])])
  assert.deepEqual(written(first), ['a: t1', 'b: '])
  const second = await join([
    member('a', ['t'], { owned: both.slice(1), generation: 2 }),
    member('b', ['t'], { generation: 2 }),
  ])
  assert.deepEqual(written(second), ['a: t1', 'b: t0'])
})

test('cooperative-sticky reads the generation of old members from their user data', async () => {
  const [p0, p1] = [
    { topic: 't', partition: 0 },
    { topic: 't', partition: 1 },
  ]
  const members = [
    member('a', ['t'], { owned: [p0, p1], userData: encodeGeneration(7) }),
    member('b', ['t'], { owned: [p0], userData: encodeGeneration(3) }),
    member('c', ['t'], { owned: [], userData: new Uint8Array(2) }),
  ]
  assert.equal((await cooperativeSticky().assign({ members, partitionsOf: () => 2 })).get('a')!.partitions.length, 1)
})

test('sticky user data has the bytes of Kafka: topics with partitions, then the generation', () => {
  const bytes = encodeStickyUserData(
    [
      { topic: 't', partition: 3 },
      { topic: 't', partition: 5 },
      { topic: 'uu', partition: 0 },
    ],
    9,
  )
  assert.equal(
    Buffer.from(bytes).toString('hex'),
    '00000002000174000000020000000300000005000275750000000100000000' + '00000009',
  )
  assert.deepEqual(decodeStickyUserData(bytes), {
    partitions: [
      { topic: 't', partition: 3 },
      { topic: 't', partition: 5 },
      { topic: 'uu', partition: 0 },
    ],
    generation: 9,
  })
})

test('sticky user data without a generation, or cut short, or absent, is read as far as it can be trusted', () => {
  const bytes = encodeStickyUserData([{ topic: 't', partition: 3 }], 9)
  assert.deepEqual(decodeStickyUserData(bytes.subarray(0, -4)), {
    partitions: [{ topic: 't', partition: 3 }],
    generation: -1,
  })
  assert.deepEqual(decodeStickyUserData(bytes.subarray(0, -7)), { partitions: [], generation: -1 })
  assert.deepEqual(decodeStickyUserData(new Uint8Array([0x7f, 255, 255, 255])), { partitions: [], generation: -1 })
  assert.deepEqual(decodeStickyUserData(null), { partitions: [], generation: -1 })
})

test('cooperative-sticky user data is the generation alone', () => {
  assert.deepEqual([...encodeGeneration(258)], [0, 0, 1, 2])
  assert.equal(decodeGeneration(encodeGeneration(258)), 258)
  assert.equal(decodeGeneration(new Uint8Array(3)), -1)
})

test('sticky remembers what it was given and sends it along with the next join', () => {
  const assignor = sticky()
  assert.equal(assignor.userData!({ topics: ['t'], owned: [] }), null)
  void assignor.onAssigned!(
    { partitions: [{ topic: 't', partition: 1 }], userData: null },
    { memberId: 'm', generation: 2 },
  )
  const sent = assignor.userData!({ topics: ['t'], owned: [] })
  assert.deepEqual(decodeStickyUserData(sent), { partitions: [{ topic: 't', partition: 1 }], generation: 2 })
})
