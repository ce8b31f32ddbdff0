import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes, encodeControlBatch } from '@odradek/protocol'
import { keyShard } from '../coordinator-log/key-shard.ts'
import { GroupHost, offset } from './testing/group-host.ts'

const anybody = { memberId: '', instanceId: null, generation: -1, apiVersion: 3 }
const at = (value: number, partition = 0) => ({ topic: 't', partition, committed: offset(value) })
const producer = (producerEpoch = 0, producerId = 7n) => ({ producerId, producerEpoch })

const pend = (host: GroupHost, group: string, value: number, by = producer()) =>
  host.finish(host.groups.commitInTransaction(group, anybody, by, [at(value)]))

const end = (host: GroupHost, group: string, outcome: 'commit' | 'abort', by = producer()) => {
  const partition = host.partitionIds[keyShard(group, host.partitionIds.length)]!
  return host.finish(host.groups.endTransaction(partition, { ...by, coordinatorEpoch: 0, outcome }))
}

test('an offset of an open transaction waits for its marker over a restart, and its group is there', async () => {
  const host = await GroupHost.start()
  assert.equal(await pend(host, 'g', 5), ErrorCodes.NONE)
  await host.crash()
  assert.equal(host.groups.find('g')?.state, 'Empty')
  assert.equal(await host.committed('g', 't', 0), undefined)
  assert.equal(host.groups.isUnstable('g', 't', 0), true)
  assert.equal(await end(host, 'g', 'commit'), ErrorCodes.NONE)
  assert.equal(await host.committed('g', 't', 0), 5)
  assert.equal(host.groups.isUnstable('g', 't', 0), false)
  await host.restart()
  assert.equal(await host.committed('g', 't', 0), 5)
})

test('a group with a transaction open does not expire, nor do the offsets it is about to replace', async () => {
  const host = await GroupHost.start()
  await host.commit('g', [at(1), at(1, 1)])
  await pend(host, 'g', 2)
  await pend(host, 'only-pending', 3)
  host.world.clock.jump(8 * 86_400_000)
  await host.finish(host.groups.removeExpired())
  assert.equal(await host.committed('g', 't', 0), 1)
  assert.equal(await host.committed('g', 't', 1), undefined, 'nobody is about to commit there')
  assert.notEqual(host.groups.find('only-pending'), undefined)
  await end(host, 'only-pending', 'abort')
  await host.finish(host.groups.removeExpired())
  assert.equal(host.groups.find('only-pending'), undefined)
})

test('a zombie of an older epoch neither commits nor ends anything, and what is pending stays so', async () => {
  const host = await GroupHost.start()
  await pend(host, 'g', 1, producer(4))
  assert.equal(await pend(host, 'g', 9, producer(3)), ErrorCodes.INVALID_PRODUCER_EPOCH)
  assert.equal(await end(host, 'g', 'abort', producer(3)), ErrorCodes.INVALID_PRODUCER_EPOCH)
  assert.equal(host.groups.isUnstable('g', 't', 0), true)
  await end(host, 'g', 'commit', producer(5))
  assert.equal(await host.committed('g', 't', 0), 1)
  assert.equal(await pend(host, 'g', 9, producer(4)), ErrorCodes.INVALID_PRODUCER_EPOCH, 'its transaction is over')
  assert.equal(host.groups.isUnstable('g', 't', 0), false)
})

test('a member of an old generation commits in no transaction, and nothing of it is pending', async () => {
  const host = await GroupHost.start()
  const zombie = await host.soleMember('g')
  await host.world.clock.advance(10_100)
  const member = await host.soleMember('g')
  const claimOf = ({ memberId, generation }: typeof member) => ({
    memberId,
    generation,
    instanceId: null,
    apiVersion: 3,
  })
  const commit = (by: typeof member) =>
    host.finish(host.groups.commitInTransaction('g', claimOf(by), producer(), [at(9)]))
  assert.equal(await commit(zombie), ErrorCodes.UNKNOWN_MEMBER_ID)
  assert.equal(await commit({ ...member, generation: member.generation - 1 }), ErrorCodes.ILLEGAL_GENERATION)
  assert.equal(host.groups.isUnstable('g', 't', 0), false)
  assert.equal(await commit(member), ErrorCodes.NONE)
  assert.equal(host.groups.isUnstable('g', 't', 0), true)
})

test('offsets of a deleted topic go, also those of open transactions', async () => {
  const host = await GroupHost.start()
  await pend(host, 'g', 5)
  await host.finish(host.groups.topicDeleted('t'))
  assert.equal(host.groups.isUnstable('g', 't', 0), false)
  await end(host, 'g', 'commit')
  assert.equal(await host.committed('g', 't', 0), undefined)
})

test('where the log has lost a marker, an earlier offset counts rather than one that may have been aborted', async () => {
  const host = await GroupHost.start({ partitions: 1 })
  await host.commit('g', [at(1)])
  await pend(host, 'g', 2)
  const fields = { ...producer(), coordinatorEpoch: 0 }
  const marker = encodeControlBatch({ ...fields, type: 'commit', timestamp: 1 })
  // Its coordinator epoch is not what it was written with.
  marker[marker.length - 2]! ^= 1
  const counts = { recordCount: 1, offsetCount: 1, maxTimestamp: 1, baseSequence: -1 }
  const damaged = { partition: 1, bytes: marker, ...counts, ...producer(), transactional: true, control: true }
  await host.finish(host.engine.append([damaged], { acks: -1, deadline: Infinity }))
  await host.restart()
  assert.equal(await host.committed('g', 't', 0), 1)
  assert.equal(host.groups.isUnstable('g', 't', 0), false)
  assert.match(host.errors.join(), /__consumer_offsets-0 is damaged: 2 records or batches/)
})

test('a marker for a partition that cannot be written is refused, and counts when it is written', async () => {
  const host = await GroupHost.start()
  await pend(host, 'g', 5)
  host.refusal = { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR }
  assert.equal(await end(host, 'g', 'commit'), ErrorCodes.COORDINATOR_NOT_AVAILABLE)
  assert.equal(host.groups.isUnstable('g', 't', 0), true)
  host.refusal = null
  assert.equal(await end(host, 'g', 'commit'), ErrorCodes.NONE)
  assert.equal(await host.committed('g', 't', 0), 5)
  assert.equal(await end(host, 'g', 'commit'), ErrorCodes.NONE, 'once more does no harm')
  assert.equal(await host.committed('g', 't', 0), 5)
})

test('before everything is read, nothing is written', async () => {
  const host = await GroupHost.start()
  await pend(host, 'g', 5)
  const loading = host.log.load()
  assert.equal(await end(host, 'g', 'commit'), ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS)
  await host.finish(loading)
  assert.equal(await end(host, 'g', 'commit'), ErrorCodes.NONE)
})
