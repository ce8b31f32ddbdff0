import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeCoordinatorRecord,
  decodeRecords,
  ErrorCodes,
  encodeBatch,
  GroupMetadataKey,
  GroupMetadataValue,
  OffsetCommitKey,
  OffsetCommitValue,
  type RecordInput,
} from '@odradek/protocol'
import { keyShard } from '../coordinator-log/key-shard.ts'
import type { StoredGroup } from './classic/stored-group.ts'
import { offsetRecord } from './offset-records.ts'
import { GroupHost, offset } from './testing/group-host.ts'

/** The cleaner looks every 15 s. */
const compactedWithinMs = 60_000

const at = (topic: string, partition: number, value: number) => ({ topic, partition, committed: offset(value) })

const group: StoredGroup = {
  id: 'g',
  protocolType: 'consumer',
  generation: 7,
  protocolName: 'range',
  leader: 'm1',
  stateSince: 1_600_000_000_000,
  members: [
    {
      id: 'm1',
      instanceId: 'i1',
      clientId: 'c',
      clientHost: '/127.0.0.1',
      rebalanceTimeoutMs: 60_000,
      sessionTimeoutMs: 10_000,
      subscription: new Uint8Array([0, 255, 1]),
      assignment: new Uint8Array(0),
    },
  ],
}

test('groups map to partitions as in Kafka', () => {
  // What Java says of (hashCode & 0x7fffffff) % 50; the last one hashes to the least of all integers.
  const java = { '': 0, hello: 22, 'my-group': 36, 'grüße-☃': 17, 'connect-cluster': 13, polygenelubricants: 0 }
  for (const [id, partition] of Object.entries(java)) assert.equal(keyShard(id, 50), partition, id)
})

test('what was answered is there after the power fails', async () => {
  const host = await GroupHost.start()
  assert.equal(
    await host.finish(host.store.putOffsets('g', [at('t', 0, 5), at('t', 1, 6), at('u', 0, 7)])),
    ErrorCodes.NONE,
  )
  assert.equal(await host.finish(host.store.save(group)), ErrorCodes.NONE)
  await host.crash()
  assert.deepEqual(host.store.groups(), [group])
  const offsets = host.store.getOffsets('g')
  assert.deepEqual(offsets.get('t')!.get(0), { ...offset(5), recordOffset: 0 })
  assert.deepEqual(offsets.get('t')!.get(1), { ...offset(6), recordOffset: 1 })
  assert.deepEqual([...offsets.get('u')!.keys()], [0])
})

test('records are those of Kafka', async () => {
  const host = await GroupHost.start({ partitions: 1 })
  const expiring = {
    topic: 't',
    partition: 3,
    committed: offset(42, { metadata: 'note', leaderEpoch: 2, commitTimestamp: 9 }),
  }
  const bytes = async () => {
    const [[batch]] = host.appended.splice(0) as unknown as [[{ bytes: Uint8Array }]]
    return [...decodeRecords(batch.bytes)].map(({ key, value }) => ({ key: key!, value: value! }))
  }
  await host.finish(host.store.putOffsets('g', [expiring]))
  const [commit] = await bytes()
  assert.deepEqual(decodeCoordinatorRecord(OffsetCommitKey, commit!.key), {
    version: 1,
    value: { group: 'g', topic: 't', partition: 3 },
  })
  const value = decodeCoordinatorRecord(OffsetCommitValue, commit!.value)
  assert.equal(value.version, 3)
  assert.equal(value.value.offset, 42)
  assert.equal(value.value.metadata, 'note')
  await host.finish(host.store.save(group))
  const [saved] = await bytes()
  assert.deepEqual(decodeCoordinatorRecord(GroupMetadataKey, saved!.key), { version: 2, value: { group: 'g' } })
  assert.equal(decodeCoordinatorRecord(GroupMetadataValue, saved!.value).version, 3)
})

test('all that is written while an append is under way goes into the next, one batch per shard', async () => {
  const host = await GroupHost.start({ partitions: 2 })
  const writes = Array.from({ length: 100 }, (_, i) => host.store.putOffsets(`g${i}`, [at('t', 0, i)]))
  await host.finish(Promise.all(writes))
  assert.equal(host.appended.length, 1)
  assert.deepEqual(host.appended[0]!.map(batch => batch.partition).sort(), [1, 2])
  assert.equal(
    host.appended[0]!.reduce((sum, batch) => sum + batch.recordCount, 0),
    100,
  )
})

test('a removal forgets offsets that were committed a moment before it', async () => {
  const host = await GroupHost.start()
  const writes = [host.store.putOffsets('g', [at('t', 0, 1)]), host.store.save(group), host.store.remove('g')]
  assert.deepEqual(await host.finish(Promise.all(writes)), [0, 0, 0])
  assert.equal(host.store.getOffsets('g').size, 0)
  await host.crash()
  assert.deepEqual(host.store.groups(), [])
})

test('a log that refuses leaves everything as it was, and the writer asks again', async () => {
  const host = await GroupHost.start()
  await host.finish(host.store.putOffsets('g', [at('t', 0, 1)]))
  host.refusal = { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR }
  assert.equal(await host.finish(host.store.putOffsets('g', [at('t', 0, 2)])), ErrorCodes.COORDINATOR_NOT_AVAILABLE)
  assert.equal(host.store.getOffsets('g').get('t')?.get(0)?.offset, 1)
  host.refusal = null
  assert.equal(await host.finish(host.store.putOffsets('g', [at('t', 0, 3)])), ErrorCodes.NONE)
  assert.equal(host.store.getOffsets('g').get('t')?.get(0)?.offset, 3)
})

test('a write that takes too long counts when the log has it, and memory says what a restart will say', async () => {
  const host = await GroupHost.start()
  await host.finish(host.store.putOffsets('g', [at('t', 0, 10), at('t', 1, 20)]))
  host.syncDelayMs = 35_000
  const removal = host.store.remove('g')
  assert.equal(await host.finish(removal), ErrorCodes.COORDINATOR_NOT_AVAILABLE)
  assert.equal(await host.store.putOffsets('g', [at('t', 0, 11)]), ErrorCodes.COORDINATOR_NOT_AVAILABLE)
  host.syncDelayMs = 0
  await host.world.clock.advance(60_000)
  assert.equal(host.store.getOffsets('g').size, 0)
  assert.equal(await host.finish(host.store.putOffsets('g', [at('t', 0, 12)])), ErrorCodes.NONE)
  const before = host.store.getOffsets('g')
  await host.restart()
  assert.deepEqual(host.store.getOffsets('g'), before)
})

test('what waits behind a write that takes too long is refused, and never written', async () => {
  const host = await GroupHost.start()
  await host.finish(host.store.putOffsets('g', [at('t', 0, 1)]))
  host.syncDelayMs = 35_000
  const first = host.store.putOffsets('g', [at('t', 0, 2)])
  await host.world.clock.advance(1_000)
  const second = host.store.putOffsets('g', [at('t', 0, 3)])
  for (const write of [first, second]) assert.equal(await host.finish(write), ErrorCodes.COORDINATOR_NOT_AVAILABLE)
  host.syncDelayMs = 0
  await host.world.clock.advance(60_000)
  assert.equal(host.store.getOffsets('g').get('t')?.get(0)?.offset, 2)
  await host.restart()
  assert.equal(host.store.getOffsets('g').get('t')?.get(0)?.offset, 2)
})

test('what cannot be written fails alone', async () => {
  const host = await GroupHost.start()
  const wrong = host.store.putOffsets('x'.repeat(40_000), [at('t', 0, 1)])
  const right = host.store.putOffsets('g', [at('t', 0, 1)])
  await assert.rejects(host.finish(wrong))
  assert.equal(await host.finish(right), ErrorCodes.NONE)
})

test('a log that has outgrown its content is compacted, and loses nothing', async () => {
  const host = await GroupHost.start({ partitions: 1, segmentBytes: 2_000 })
  await host.finish(host.store.save(group))
  await host.finish(host.store.putOffsets('h', [at('t', 9, 9)]))
  await host.finish(host.store.putOffsets('gone', [at('t', 0, 1)]))
  await host.finish(host.store.remove('gone'))
  for (let i = 0; i < 200; i++) await host.finish(host.store.putOffsets('g', [at('t', 0, i)]))
  const [grown] = await host.finish(host.engine.state([1]))
  await host.world.clock.advance(compactedWithinMs)
  const [compacted] = await host.finish(host.engine.state([1]))
  assert(compacted!.bytes < grown!.bytes / 4, `${grown!.bytes} bytes became ${compacted!.bytes}`)
  await host.crash()
  assert.deepEqual(
    [...host.groups.all()].map(({ id, protocolType }) => [id, protocolType]),
    [
      ['g', 'consumer'],
      ['h', ''],
    ],
  )
  assert.equal(host.store.getOffsets('g').get('t')?.get(0)?.offset, 199)
  assert.equal(host.store.getOffsets('h').get('t')?.get(9)?.offset, 9)
})

/** Puts a batch into the log that the store did not write. */
function intrude(host: GroupHost, records: readonly RecordInput[], harm: (bytes: Uint8Array) => void = () => {}) {
  const bytes = encodeBatch(records, { now: 1 })
  harm(bytes)
  const { length: recordCount } = records
  const batch = { partition: 1, bytes, recordCount, offsetCount: recordCount, maxTimestamp: 1, producerId: -1n }
  const none = { producerEpoch: -1, baseSequence: -1, transactional: false, control: false }
  return host.finish(host.engine.append([{ ...batch, ...none }], { acks: -1, deadline: Infinity }))
}

test('records of other coordinators in the same topic are passed over', async () => {
  const host = await GroupHost.start({ partitions: 1 })
  await host.finish(host.store.putOffsets('g', [at('t', 0, 1)]))
  await intrude(host, [
    { key: Buffer.from([0, 3, 0, 1, 65]), value: Buffer.from([0, 0]) },
    { key: null, value: 'x' },
  ])
  await host.restart()
  assert.deepEqual(
    [...host.groups.all()].map(({ id }) => id),
    ['g'],
  )
})

test('what is damaged is passed over, and the rest counts', async () => {
  const host = await GroupHost.start({ partitions: 1 })
  await host.finish(host.store.putOffsets('g', [at('t', 0, 1)]))
  await intrude(host, [offsetRecord('g', at('t', 0, 7))], bytes => {
    bytes[bytes.length - 1]! ^= 1
  })
  await intrude(host, [{ key: Buffer.from([0, 1, 0, 9, 65]), value: Buffer.from([0, 0]) }])
  await host.finish(host.store.putOffsets('g', [at('t', 1, 2)]))
  host.readError = (_, offset) => (offset === 3 ? ErrorCodes.CORRUPT_MESSAGE : undefined)
  await host.restart()
  assert.deepEqual([await host.committed('g', 't', 0), await host.committed('g', 't', 1)], [1, 2])
  assert.match(host.errors.join(), /__consumer_offsets-0 is damaged: 2 records or batches/)
})

test('a damaged range is passed over', async () => {
  const host = await GroupHost.start({ partitions: 1 })
  for (let i = 0; i < 5; i++) await host.finish(host.store.putOffsets(`g${i}`, [at('t', 0, i)]))
  host.readError = (_, offset) => (offset < 3 ? ErrorCodes.CORRUPT_MESSAGE : undefined)
  await host.restart()
  assert.deepEqual(
    [...host.groups.all()].map(({ id }) => id),
    ['g3', 'g4'],
  )
})

test('a damaged range whose end is known is passed over in one go', async () => {
  const host = await GroupHost.start({ partitions: 1 })
  for (let i = 0; i < 5; i++) await host.finish(host.store.putOffsets(`g${i}`, [at('t', 0, i)]))
  host.readError = (_, offset) => (offset < 3 ? ErrorCodes.CORRUPT_MESSAGE : undefined)
  host.resumeAt = 3
  await host.restart()
  assert.deepEqual(
    [...host.groups.all()].map(({ id }) => id),
    ['g3', 'g4'],
  )
  assert.equal(host.reads, 2)
  assert.match(host.errors.join(), /is damaged: 3 records/)
})

test('a log that cannot be read takes its groups away, and no others', async () => {
  const host = await GroupHost.start({ partitions: 2 })
  const [here, there] = ['a', 'b'] as const
  assert.notEqual(keyShard(here, 2), keyShard(there, 2))
  for (const id of [here, there]) await host.finish(host.store.putOffsets(id, [at('t', 0, 5)]))
  const lost = 1 + keyShard(here, 2)
  host.readError = partition => (partition === lost ? ErrorCodes.KAFKA_STORAGE_ERROR : undefined)
  await host.restart()
  assert.equal(host.groups.obstacle(here), ErrorCodes.COORDINATOR_NOT_AVAILABLE)
  assert.equal(host.groups.obstacle(there), ErrorCodes.NONE)
  assert.equal(await host.committed(there, 't', 0), 5)
  host.readError = () => undefined
  await host.restart()
  assert.equal(await host.committed(here, 't', 0), 5)
})
