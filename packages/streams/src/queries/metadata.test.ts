import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientMetadata, keyMetadata, type MemberTasks, type PlacedTask, parseServer } from './metadata.ts'

const task = (subtopology: number, partition: number): PlacedTask => ({
  subtopology,
  partition,
  inputs: [{ topic: `in-${subtopology}`, partition }],
})
const storesOf = (subtopology: number) => [['words'], ['users', 'ages']][subtopology]!
const here = { host: 'a', port: 1 }
const there = { host: 'b', port: 2 }
const members: MemberTasks[] = [
  { instance: 'one', server: here, active: [task(0, 0), task(1, 0)], standby: [task(0, 1)] },
  { instance: 'two', server: there, active: [task(0, 1)], standby: [task(1, 0)] },
]
const bytes = (text: string) => new TextEncoder().encode(text)

test('each instance tells its stores and partitions, of what it works on and of what it follows', () => {
  const [one] = clientMetadata(members, storesOf)
  assert.deepEqual(one, {
    instance: 'one',
    server: here,
    stores: ['ages', 'users', 'words'],
    partitions: [
      { topic: 'in-0', partition: 0 },
      { topic: 'in-1', partition: 0 },
    ],
    standbyStores: ['words'],
    standbyPartitions: [{ topic: 'in-0', partition: 1 }],
  })
})

test("a key's instance is found by murmur2 of its bytes, as the partitions of records are", () => {
  // org.apache.kafka.common.utils.Utils: toPositive(murmur2("21")) % 2 = 1, of "foobar" 0
  const found = ['21', 'foobar'].map(key =>
    keyMetadata(members, storesOf, { store: 'words', key: bytes(key), partitions: 2 }),
  )
  const byPartition = [
    { active: here, standbys: [], partition: 0 },
    { active: there, standbys: [here], partition: 1 },
  ]
  assert.deepEqual(
    found,
    found.map(({ partition }) => byPartition[partition]),
  )
  const chosen = { store: 'words', key: bytes('x'), partitions: 2, partitionOf: () => 1 }
  assert.deepEqual(keyMetadata(members, storesOf, chosen), byPartition[1])
})

test('what is moving is not there for the moment; a partition beyond the last is a mistake', () => {
  const query = { store: 'users', key: bytes('x'), partitions: 2, partitionOf: () => 1 }
  assert.throws(() => keyMetadata(members, storesOf, query), { code: 'STORE_NOT_READY', retriable: true })
  assert.throws(() => keyMetadata(members, storesOf, { ...query, partitionOf: () => 2 }), /partition 2 of 'users'/)
})

test('an application server is a host and a port', () => {
  assert.deepEqual(parseServer('localhost:7070'), { host: 'localhost', port: 7070 })
  assert.deepEqual(parseServer('[::1]:7070'), { host: '::1', port: 7070 })
  for (const text of ['localhost', 'localhost:70700', ':1', 'a b:1'])
    assert.throws(() => parseServer(text), /host:port/)
})
