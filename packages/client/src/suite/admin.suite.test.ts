/** What Admin does with any Kafka-compatible cluster: the one named by ODRADEK_TEST_BROKER, else our own broker. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Admin } from '../admin/admin.ts'
import { type TestCluster, testCluster } from '../testing/test-cluster.ts'

let cluster: TestCluster
let admin: Admin
before(async () => {
  cluster = await testCluster({ nodes: 2 })
  admin = cluster.kafka().admin()
})
after(() => cluster[Symbol.asyncDispose]())

async function freshTopic(partitions = 2): Promise<string> {
  const name = cluster.name('admin')
  await admin.topics.create({ name, partitions })
  return name
}

async function fill(name: string, count: number, partition = 0): Promise<void> {
  await using producer = cluster.kafka().producer()
  await producer.sendAll(
    name,
    Array.from({ length: count }, (_, i) => ({ value: `${i}`, partition, timestamp: 1_000_000 + i * 1_000 })),
  )
}

test('topics are created, described, listed, enlarged and deleted', async () => {
  const name = cluster.name('life')
  const [created] = await admin.topics.create({ name, partitions: 2, config: { 'retention.ms': 3_600_000 } })
  assert.deepEqual([created!.name, created!.partitions, created!.isNew], [name, 2, true])
  const described = await admin.topics.describe(name)
  assert.equal(described.topicId, created!.topicId)
  assert.ok(described.partitions.every(({ leader, replicas }) => replicas.includes(leader)))
  assert.ok((await names()).includes(name))
  await admin.topics.createPartitions(name, 5)
  assert.equal((await admin.topics.describe(name)).partitions.length, 5)
  await admin.topics.delete(name)
  await assert.rejects(admin.topics.describe(name), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  assert.ok(!(await names()).includes(name))
})

async function names(): Promise<string[]> {
  return (await Array.fromAsync(admin.topics.list())).map(topic => topic.name)
}

test('creating what exists and deleting what does not are errors unless they are expected', async () => {
  const name = await freshTopic(1)
  await assert.rejects(admin.topics.create({ name }), { code: 'TOPIC_ALREADY_EXISTS' })
  const [again] = await admin.topics.create({ name }, { ifNotExists: true })
  assert.deepEqual([again!.partitions, again!.isNew], [1, false])
  const missing = cluster.name('missing')
  await assert.rejects(admin.topics.delete(missing), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  await admin.topics.delete(missing, { ifExists: true })
  await assert.rejects(admin.topics.offsets(missing, 'latest'), { message: /odradek topic create/ })
})

test('of many topics each succeeds or fails on its own, and the failures name theirs', async () => {
  const good = cluster.name('good')
  const creating = admin.topics.create([{ name: good, partitions: 1 }, { name: 'not a name' }, { name: 'nor/this' }])
  await assert.rejects(creating, (error: AggregateError) => {
    assert.deepEqual(
      error.errors.map(({ code, topic }) => [code, topic]),
      [
        ['INVALID_TOPIC_EXCEPTION', 'not a name'],
        ['INVALID_TOPIC_EXCEPTION', 'nor/this'],
      ],
    )
    return true
  })
  assert.equal((await admin.topics.describe(good)).partitions.length, 1)
})

test('a topic may be tried without being made', async () => {
  const name = cluster.name('dry')
  await admin.topics.create({ name, partitions: 3 }, { validateOnly: true })
  await assert.rejects(admin.topics.create({ name, config: { 'retention.ms': 'soon' } }, { validateOnly: true }), {
    code: 'INVALID_CONFIG',
  })
  await assert.rejects(admin.topics.describe(name), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
})

test('settings are described with their source and altered one by one', async () => {
  const name = await freshTopic(1)
  const settings = async () =>
    new Map((await admin.configs.describe({ topic: name })).map(entry => [entry.name, entry]))
  assert.equal((await settings()).get('cleanup.policy')!.value, 'delete')
  await admin.configs.alter({ topic: name }, { set: { 'retention.ms': 1_000, 'cleanup.policy': 'compact' } })
  await admin.configs.alter({ topic: name }, { append: { 'cleanup.policy': 'delete' }, unset: ['retention.ms'] })
  const after = await settings()
  assert.deepEqual(
    [after.get('cleanup.policy')!.value, after.get('cleanup.policy')!.source],
    ['compact,delete', 'topic'],
  )
  assert.notEqual(after.get('retention.ms')!.source, 'topic')
  await assert.rejects(admin.configs.alter({ topic: name }, { set: { 'no.such.setting': 1 } }), {
    code: 'INVALID_CONFIG',
  })
  await assert.rejects(admin.configs.describe({ topic: cluster.name('missing') }), {
    code: 'UNKNOWN_TOPIC_OR_PARTITION',
  })
  const [named] = await admin.configs.describe({ topic: name }, { names: ['segment.bytes'] })
  assert.equal(named!.name, 'segment.bytes')
  const { nodeId } = (await admin.cluster.describe()).brokers[0]!
  assert.ok((await admin.configs.describe({ broker: nodeId })).length > 0)
})

test('offsets are found at the ends and by time, and records deleted up to one', async () => {
  const name = await freshTopic(2)
  await fill(name, 10)
  const at = async (point: Parameters<typeof admin.topics.offsets>[1]) =>
    (await admin.topics.offsets(name, point)).map(({ offset }) => offset)
  assert.deepEqual(await at('earliest'), [0, 0])
  assert.deepEqual(await at('latest'), [10, 0])
  assert.deepEqual(await at({ timestamp: 1_003_500 }), [4, -1])
  assert.deepEqual(await at({ timestamp: 9_000_000 }), [-1, -1])
  assert.deepEqual(await at('max-timestamp'), [9, -1])
  const [deleted] = await admin.topics.deleteRecords([{ topic: name, partition: 0, before: 4 }])
  assert.equal(deleted!.lowWatermark, 4)
  assert.deepEqual(await at('earliest'), [4, 0])
  await admin.topics.deleteRecords([{ topic: name, partition: 0, before: -1 }])
  assert.deepEqual(await at('earliest'), [10, 0])
  await assert.rejects(admin.topics.deleteRecords([{ topic: name, partition: 0, before: 99 }]), {
    code: 'OFFSET_OUT_OF_RANGE',
  })
  await assert.rejects(admin.topics.deleteRecords([{ topic: name, partition: 7, before: 0 }]), {
    message: /partitions 0 to 1/,
  })
})

test('the offsets of a group are set, read, reset and removed', async () => {
  const name = await freshTopic(2)
  const group = cluster.name('group')
  await fill(name, 10)
  await admin.groups.setOffsets(group, [{ topic: name, partition: 0, offset: 3, metadata: 'half way' }])
  assert.deepEqual(await admin.groups.offsets(group), [
    { topic: name, partition: 0, offset: 3, leaderEpoch: -1, metadata: 'half way' },
  ])
  const [lag] = await admin.groups.lag(group)
  assert.deepEqual(lag, { topic: name, partition: 0, committed: 3, end: 10, lag: 7, member: null })
  const to = { timestamp: 1_005_000 }
  const plan = await admin.groups.resetOffsets(group, { topic: name, to }, { dryRun: true })
  assert.deepEqual(plan, [
    { topic: name, partition: 0, from: 3, to: 5 },
    { topic: name, partition: 1, from: null, to: 0 },
  ])
  assert.equal((await admin.groups.offsets(group))[0]!.offset, 3)
  await admin.groups.resetOffsets(group, { topic: name, partitions: [0], to: { shift: -2 } })
  assert.equal((await admin.groups.offsets(group))[0]!.offset, 1)
  await admin.groups.resetOffsets(group, { to: 'latest' })
  assert.equal((await admin.groups.offsets(group))[0]!.offset, 10)
  await admin.groups.deleteOffsets(group, [{ topic: name, partition: 0 }])
  assert.deepEqual(await admin.groups.offsets(group), [])
})

test('groups are listed, described and deleted', async () => {
  const name = await freshTopic(1)
  const group = cluster.name('group')
  assert.equal((await admin.groups.describe(group)).state, 'Dead')
  await admin.groups.setOffsets(group, [{ topic: name, partition: 0, offset: 0 }])
  assert.ok((await admin.groups.list()).some(({ groupId }) => groupId === group))
  const { state, members } = await admin.groups.describe(group)
  assert.deepEqual([state, members], ['Empty', []])
  await admin.groups.delete(group)
  assert.ok(!(await admin.groups.list()).some(({ groupId }) => groupId === group))
  await assert.rejects(admin.groups.delete(group), { code: 'GROUP_ID_NOT_FOUND' })
})

test('groups of the consumer protocol are described with what each member reads, and how far behind it is', async () => {
  const name = await freshTopic(2)
  await fill(name, 3)
  const group = cluster.name('group')
  const settings = { group, topics: [name], from: 'earliest', commit: 'manual', groupProtocol: 'consumer' } as const
  await using consumer = cluster.kafka().consumer(settings)
  for await (const record of consumer) {
    await consumer.commit([{ topic: name, partition: 0, offset: record.offset + 1 }])
    const { type, state, protocol, members } = await admin.groups.describe(group)
    assert.deepEqual([type, state, protocol, members.length], ['consumer', 'Stable', 'uniform', 1])
    assert.ok(members[0]!.epoch > 0)
    assert.deepEqual(
      members[0]!.assignment,
      [0, 1].map(partition => ({ topic: name, partition })),
    )
    const [lag] = await admin.groups.lag(group)
    assert.deepEqual([lag!.committed, lag!.lag, lag!.member?.memberId], [1, 2, members[0]!.memberId])
    break
  }
})

test('share groups are described, and where they begin is read, moved and forgotten', async () => {
  const name = await freshTopic(1)
  await fill(name, 5)
  const group = cluster.name('group')
  const queue = cluster.kafka().queue({ group, topics: [name], from: 'earliest', maxWaitMs: 50 })
  for await (const job of queue) {
    await job.ack()
    const { type, members } = await admin.groups.describe(group)
    assert.deepEqual([type, members[0]!.assignment], ['share', [{ topic: name, partition: 0 }]])
    break
  }
  await queue.close()
  const [lag] = await admin.groups.lag(group)
  assert.deepEqual([lag!.committed, lag!.end, lag!.lag], [1, 5, 4])
  await admin.groups.resetOffsets(group, { to: 'latest' })
  assert.deepEqual(
    (await admin.groups.offsets(group)).map(({ topic, offset }) => [topic, offset]),
    [[name, 5]],
  )
  await admin.groups.deleteOffsets(group, [{ topic: name, partition: 0 }])
  assert.deepEqual(await admin.groups.offsets(group), [])
  await admin.groups.delete(group)
  assert.equal((await admin.groups.describe(group)).state, 'Dead')
})

test('the cluster, its disks and the producers of a partition are described', async () => {
  const name = await freshTopic(1)
  await fill(name, 3)
  const { clusterId, brokers } = await admin.cluster.describe()
  assert.ok(clusterId && brokers.length > 0)
  const dirs = await admin.cluster.logDirs()
  assert.ok(dirs.some(dir => dir.partitions.some(p => p.topic === name && p.bytes > 0)))
  const { producers } = (await admin.cluster.producers([{ topic: name, partition: 0 }]))[0]!
  assert.deepEqual(
    producers.map(({ lastSequence }) => lastSequence),
    [2],
  )
})
