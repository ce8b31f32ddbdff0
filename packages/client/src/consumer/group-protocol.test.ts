import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cooperativeSticky } from './assignors/cooperative-sticky.ts'
import { range } from './assignors/range.ts'
import { decodeAssignment, decodeMember, encodeAssignment, encodeSubscription } from './group-protocol.ts'

const owned = [
  { topic: 't', partition: 1 },
  { topic: 't', partition: 4 },
]
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('a cooperative subscription says what is owned, in which generation, and in which rack', () => {
  const bytes = encodeSubscription(cooperativeSticky(), { topics: ['u', 't'], owned, generation: 7, rackId: 'r1' })
  const topics = '00000002' + '000174' + '000175'
  const userData = '00000004' + 'ffffffff'
  const ownedPartitions = '00000001' + '000174' + '00000002' + '00000001' + '00000004'
  assert.equal(hex(bytes), `0003${topics}${userData}${ownedPartitions}0000000700027231`)
  const member = decodeMember({ memberId: 'm', groupInstanceId: null, metadata: bytes })
  assert.deepEqual(member, {
    memberId: 'm',
    groupInstanceId: null,
    topics: ['t', 'u'],
    owned,
    generation: 7,
    rackId: 'r1',
    userData: Uint8Array.from([255, 255, 255, 255]),
  })
})

test('an eager subscription owns nothing: everything has been given up', () => {
  const bytes = encodeSubscription(range, { topics: ['t'], owned, generation: 7, rackId: null })
  assert.deepEqual(decodeMember({ memberId: 'm', groupInstanceId: null, metadata: bytes }).owned, [])
})

test('subscriptions of older and newer members are understood as far as they go', () => {
  const oldest = Buffer.from('0000' + '00000001' + '000174' + 'ffffffff', 'hex')
  const read = decodeMember({ memberId: 'm', groupInstanceId: 'i', metadata: oldest })
  assert.deepEqual([read.topics, read.owned, read.generation, read.rackId, read.userData], [['t'], [], -1, null, null])
  const newest = Buffer.concat([
    Buffer.from('0009', 'hex'),
    encodeSubscription(range, { topics: ['t'], owned: [], generation: 1, rackId: null }).subarray(2),
    Buffer.from('beef', 'hex'),
  ])
  assert.deepEqual(decodeMember({ memberId: 'm', groupInstanceId: null, metadata: newest }).topics, ['t'])
})

test('an assignment always carries the length of its user data (platformatic #284)', () => {
  const bytes = encodeAssignment({ partitions: owned, userData: null })
  assert.equal(hex(bytes), '0000' + '00000001' + '000174' + '00000002' + '00000001' + '00000004' + 'ffffffff')
  assert.deepEqual(decodeAssignment(bytes), { partitions: owned, userData: null })
  assert.equal(
    hex(encodeAssignment({ partitions: [], userData: Buffer.from('x') })),
    '0000' + '00000000' + '00000001' + '78',
  )
})

test('no bytes at all are an empty assignment', () => {
  assert.deepEqual(decodeAssignment(new Uint8Array()), { partitions: [], userData: null })
})
