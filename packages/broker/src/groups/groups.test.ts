import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConsumerProtocolSubscription, ErrorCodes, encodeCoordinatorRecord } from '@odradek/protocol'
import { GroupHost, joinRequest, offset } from './testing/group-host.ts'

const at = (topic: string, partition: number, value: number) => ({ topic, partition, committed: offset(value) })
const claimOf = ({ memberId, generation }: { memberId: string; generation: number }) => ({
  memberId,
  generation,
  instanceId: null,
})
const commitOf = (member: Parameters<typeof claimOf>[0]) => ({ ...claimOf(member), apiVersion: 9 })

test('a restart causes no rebalance: generation, members and assignments go on', async () => {
  const host = await GroupHost.start()
  const member = await host.soleMember('g')
  await host.finish(host.groups.commit('g', commitOf(member), [at('t', 0, 5)]))
  await host.restart()
  assert.equal(host.groups.classic.get('g')?.state, 'Stable')
  assert.equal((await host.finish(host.groups.heartbeat('g', claimOf(member)))).error, ErrorCodes.NONE)
  const synced = await host.finish(host.sync('g', member, null, ''))
  assert.equal(Buffer.from(synced.assignment).toString(), 'p0')
  assert.equal(await host.committed('g', 't', 0), 5)
})

test('after a restart a member has a whole session timeout to be heard of, and no more', async () => {
  const host = await GroupHost.start()
  const member = await host.soleMember('g')
  await host.world.clock.advance(9_000)
  await host.groups.heartbeat('g', claimOf(member))
  await host.restart()
  await host.world.clock.advance(9_900)
  assert.equal(host.groups.classic.get('g')?.state, 'Stable')
  await host.world.clock.advance(200)
  assert.equal(host.groups.classic.get('g')?.state, 'Empty')
})

test('jumps of the wall clock end no session', async () => {
  const host = await GroupHost.start()
  const member = await host.soleMember('g')
  for (const jump of [3_600_000, -3_600_000, 864_000_000, -864_000_000]) {
    host.world.clock.jump(jump)
    await host.world.clock.advance(5_000)
    assert.equal((await host.finish(host.groups.heartbeat('g', claimOf(member)))).error, ErrorCodes.NONE)
  }
  assert.equal(host.groups.classic.get('g')?.generation, 1)
})

test('commits of a member that was left behind are refused', async () => {
  const host = await GroupHost.start()
  const zombie = await host.soleMember('g')
  await host.world.clock.advance(10_100)
  await host.soleMember('g')
  const error = await host.finish(host.groups.commit('g', commitOf(zombie), [at('t', 0, 99)]))
  assert.equal(error, ErrorCodes.UNKNOWN_MEMBER_ID)
  assert.equal(await host.committed('g', 't', 0), undefined)
})

test('asking about a group that does not exist does not make it', async () => {
  const host = await GroupHost.start()
  await host.groups.heartbeat('g', { memberId: 'x', instanceId: null, generation: 1 })
  await host.groups.leave('g', [{ memberId: 'x', instanceId: null }])
  assert.equal(
    await host.groups.commit('g', { memberId: 'x', instanceId: null, generation: 4, apiVersion: 8 }, [at('t', 0, 1)]),
    ErrorCodes.ILLEGAL_GENERATION,
  )
  assert.equal(await host.groups.delete('g'), ErrorCodes.GROUP_ID_NOT_FOUND)
  assert.deepEqual([...host.groups.all()], [])
  assert.equal(host.appended.length, 0)
})

test('a simple consumer commits without being a member, and its group survives by its offsets', async () => {
  const host = await GroupHost.start()
  assert.equal(await host.commit('g', [at('t', 0, 5)]), ErrorCodes.NONE)
  await host.crash()
  assert.equal(await host.committed('g', 't', 0), 5)
  assert.equal(host.groups.classic.get('g')?.protocolType, null)
})

test('assignments are handed out only when they are stored', async () => {
  const host = await GroupHost.start()
  await host.soleMember('other')
  host.refusal = { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR }
  const joined = await host.groups.join('g', joinRequest())
  const synced = await host.finish(host.sync('g', joined, null, 'p0'))
  assert.equal(synced.error, ErrorCodes.COORDINATOR_NOT_AVAILABLE)
  assert.equal(host.groups.classic.get('g')?.state, 'PreparingRebalance')
})

test('a deleted group is gone with its offsets; one that cannot be deleted lives on', async () => {
  const host = await GroupHost.start()
  await host.commit('g', [at('t', 0, 5)])
  host.refusal = { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR }
  assert.equal(await host.finish(host.groups.delete('g')), ErrorCodes.COORDINATOR_NOT_AVAILABLE)
  assert.equal(host.groups.classic.get('g')?.state, 'Empty')
  host.refusal = null
  assert.equal(await host.finish(host.groups.delete('g')), ErrorCodes.NONE)
  await host.restart()
  assert.equal(host.groups.classic.get('g'), undefined)
  assert.equal(await host.committed('g', 't', 0), undefined)
})

test('offsets go with their topic', async () => {
  const host = await GroupHost.start()
  await host.commit('g', [at('t', 0, 5), at('u', 0, 6)])
  await host.finish(host.groups.topicDeleted('t'))
  await host.restart()
  assert.equal(await host.committed('g', 't', 0), undefined)
  assert.equal(await host.committed('g', 'u', 0), 6)
})

test('offsets of a topic that was deleted in the moment of a crash go when the groups are loaded', async () => {
  const host = await GroupHost.start()
  await host.commit('g', [at('t', 0, 5), at('u', 0, 6)])
  await host.finish(host.groups.load(topic => topic !== 't'))
  assert.equal(await host.committed('g', 't', 0), undefined)
  assert.equal(await host.committed('g', 'u', 0), 6)
})

const day = 86_400_000

test('offsets expire seven days after their group became empty, not after the commit, and the group with them', async () => {
  const host = await GroupHost.start()
  const member = await host.soleMember('g')
  await host.finish(host.groups.commit('g', commitOf(member), [at('t', 0, 5)]))
  host.world.clock.jump(10 * day)
  await host.finish(host.groups.removeExpired())
  assert.equal(await host.committed('g', 't', 0), 5, 'the group is in use')
  await host.finish(host.groups.leave('g', [{ memberId: member.memberId, instanceId: null }]))
  host.world.clock.jump(7 * day - 60_000)
  await host.finish(host.groups.removeExpired())
  assert.equal(await host.committed('g', 't', 0), 5)
  host.world.clock.jump(120_000)
  await host.finish(host.groups.removeExpired())
  assert.equal(host.groups.classic.get('g'), undefined)
  await host.restart()
  assert.equal(host.groups.classic.get('g'), undefined)
})

test('a wall clock that jumps makes nothing expire for an hour, in which it can be set right again', async () => {
  const host = await GroupHost.start()
  const { clock } = host.world
  await host.commit('g', [{ topic: 't', partition: 0, committed: offset(5, { commitTimestamp: clock.now() }) }])
  await clock.advance(2 * 3_600_000)
  clock.jump(10 * day)
  await clock.advance(50 * 60_000)
  assert.equal(await host.committed('g', 't', 0), 5)
  clock.jump(-10 * day)
  await clock.advance(2 * 3_600_000)
  assert.equal(await host.committed('g', 't', 0), 5)
  clock.jump(10 * day)
  await clock.advance(2 * 3_600_000)
  assert.equal(await host.committed('g', 't', 0), undefined, 'it was meant to be so')
})

test('in a group that works, offsets of topics nobody subscribes to any more expire', async () => {
  const host = await GroupHost.start()
  const metadata = encodeCoordinatorRecord(ConsumerProtocolSubscription, 0, { topics: ['used'] })
  const joined = await host.groups.join('g', {
    ...joinRequest(null, 1_800_000),
    protocols: [{ name: 'range', metadata }],
  })
  await host.finish(host.sync('g', joined, null, 'p0'))
  const now = host.world.clock.now()
  const changes = ['used', 'left'].map(topic => ({
    topic,
    partition: 0,
    committed: offset(1, { commitTimestamp: now }),
  }))
  await host.finish(host.groups.commit('g', commitOf(joined), changes))
  host.world.clock.jump(8 * day)
  await host.finish(host.groups.removeExpired())
  assert.equal(await host.committed('g', 'used', 0), 1)
  assert.equal(await host.committed('g', 'left', 0), undefined)

  const deletion = await host.finish(host.groups.forget('g', [{ topic: 'used', partition: 0 }]))
  assert.deepEqual([...deletion.subscribed], ['used'])
  assert.equal(await host.committed('g', 'used', 0), 1)
})

test('when the broker stops, whoever waits for other members is sent to look for the coordinator again', async () => {
  const host = await GroupHost.start()
  await host.soleMember('g')
  const waiting = Promise.resolve(host.groups.join('g', joinRequest()))
  const member = await host.soleMember('h')
  host.groups.close()
  assert.equal((await host.finish(waiting)).error, ErrorCodes.COORDINATOR_NOT_AVAILABLE)
  assert.equal((await host.groups.heartbeat('h', claimOf(member))).error, ErrorCodes.NONE)
  assert.equal(await host.finish(host.groups.commit('h', commitOf(member), [at('t', 0, 1)])), ErrorCodes.NONE)
})
