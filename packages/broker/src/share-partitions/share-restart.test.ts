import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DeleteGroups, DescribeShareGroupOffsets, ListGroups, ShareGroupDescribe } from '@odradek/protocol'
import { realWorld } from '@odradek/world'
import { produceTo, TestBroker } from '../testing/test-broker.ts'
import { ShareMember, setGroupConfig } from './testing/share-member.ts'

const [accept, release] = [1, 2]
const folder = await mkdtemp(join(tmpdir(), 'odradek-share-'))
after(() => rm(folder, { recursive: true, force: true }))

const started = (name: string) => TestBroker.start({ world: realWorld(), data: { folder: join(folder, name) } })
const membersOf = (broker: TestBroker) => async (id: string) =>
  ShareMember.joined(await broker.client(), 'g', id, ['orders'])

test('acknowledged records do not come again after a restart, and deliveries are remembered', async () => {
  {
    await using broker = await started('kept')
    const client = await broker.client()
    await broker.topic('orders')
    await setGroupConfig(client, 'g', { 'share.auto.offset.reset': 'earliest' })
    await produceTo(
      client,
      'orders',
      ['a', 'b', 'c', 'd'].map(value => ({ value })),
    )
    const ada = await membersOf(broker)('ada')
    assert.deepEqual(await ada.take(), ['a×1', 'b×1', 'c×1', 'd×1'])
    assert.equal(await ada.acknowledge([[0, 3, accept, release, accept, release]]), 0)
    assert.deepEqual(await ada.take({ maxRecords: 1, shareAcquireMode: 1 }), ['b×2'])
  }
  await using broker = await started('kept')
  const client = await broker.client()
  const described = await client.call(ShareGroupDescribe, 1, { groupIds: ['g'], includeAuthorizedOperations: false })
  assert.deepEqual(
    described.groups[0]!.members.map(({ memberId }) => memberId),
    ['ada'],
    'the member is still one',
  )
  const bob = await membersOf(broker)('bob')
  // What ada held when the broker stopped counts as it did before she got it.
  assert.deepEqual(await bob.take(), ['b×2', 'd×2'])
})

test('a group that begins at the end has begun there, also when nothing came before the restart', async () => {
  {
    await using broker = await started('latest')
    await broker.topic('orders')
    const ada = await membersOf(broker)('ada')
    await produceTo(ada.client, 'orders', [{ value: 'before' }])
    assert.deepEqual(await ada.take(), [])
    await produceTo(ada.client, 'orders', [{ value: 'after' }])
  }
  await using broker = await started('latest')
  const bob = await membersOf(broker)('bob')
  assert.deepEqual(await bob.take(), ['after×1'])
})

test('a deleted group is forgotten, and one of its name begins anew', async () => {
  const offsets = { groups: [{ groupId: 'g', topics: null }] }
  {
    await using broker = await started('deleted')
    const client = await broker.client()
    await broker.topic('orders')
    await setGroupConfig(client, 'g', { 'share.auto.offset.reset': 'earliest' })
    await produceTo(client, 'orders', [{ value: 'a' }])
    const ada = await membersOf(broker)('ada')
    await ada.take()
    assert.equal(await ada.acknowledge([[0, 0, accept]]), 0)
    await ada.leave()
    const described = await client.call(DescribeShareGroupOffsets, 1, offsets)
    const [partition] = described.groups[0]!.topics[0]!.partitions
    assert.deepEqual([partition!.startOffset, partition!.lag], [1, 0])
    const { results } = await client.call(DeleteGroups, 2, { groupsNames: ['g'] })
    assert.equal(results[0]!.errorCode, 0)
  }
  await using broker = await started('deleted')
  const client = await broker.client()
  const { groups } = await client.call(ListGroups, 5, { statesFilter: [], typesFilter: [] })
  assert.deepEqual(groups, [])
  const bob = await membersOf(broker)('bob')
  assert.deepEqual(await bob.take(), ['a×1'])
})
