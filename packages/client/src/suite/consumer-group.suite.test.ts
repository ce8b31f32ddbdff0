/** What consumers of one group do together on any Kafka-compatible cluster: share, hand over, come and go. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Assignor } from '../consumer/assignors/assignor.ts'
import type { EngineOptions } from '../consumer/engine.ts'
import { createConsumerEngine, type Kafka, keyOf, range, roundRobin, sticky } from '../index.ts'
import { fillTopic, membersShow, type PolledMember, polledMember } from '../testing/polled-member.ts'
import { type TestCluster, testCluster } from '../testing/test-cluster.ts'

suite('consumer group', () => {
  let cluster: TestCluster
  let kafka: Kafka
  before(async () => {
    cluster = await testCluster()
    kafka = cluster.kafka()
  })
  after(() => cluster[Symbol.asyncDispose]())

  async function topicOf(partitions: number, records = 0): Promise<string> {
    const name = cluster.name('shared')
    await kafka.admin().topics.create({ name, partitions })
    await fillTopic(kafka, name, records)
    return name
  }

  const member = (topics: string[], options: EngineOptions & { group: string }): PolledMember =>
    polledMember(kafka, topics, { heartbeatIntervalMs: 50, ...options })
  const until = (isSo: () => boolean, ...members: PolledMember[]): Promise<void> => membersShow(isSo, members)

  const sizes = (...members: PolledMember[]): number[] => members.map(m => m.engine.assignment().length)

  test('a second member takes its share, and gives it back when it leaves', async () => {
    const name = await topicOf(4)
    const group = cluster.name('g')
    const a = member([name], { group })
    await until(() => sizes(a)[0] === 4, a)
    const b = member([name], { group })
    await until(() => sizes(a, b).join() === '2,2', a, b)
    assert.equal(a.told.length, 2, `only what moves is revoked: ${a.told}`)
    await b.stop()
    await until(() => sizes(a)[0] === 4, a)
    await a.stop()
    assert.deepEqual(
      a.told.filter(line => line.startsWith('lost')),
      [],
    )
  })

  test('while members come and go, every record is read once and none is lost', async () => {
    const name = await topicOf(6)
    const group = cluster.name('g')
    const members = [member([name], { group })]
    const producer = kafka.producer()
    const sending: Promise<unknown>[] = []
    const send = (from: number) => {
      for (let i = from; i < from + 200; i++) sending.push(producer.send(name, { key: `${i}`, value: `${i}` }))
    }
    send(0)
    await until(() => sizes(...members)[0] === 6, ...members)
    members.push(member([name], { group }), member([name], { group }))
    send(200)
    await until(() => sizes(...members).join() === '2,2,2', ...members)
    send(400)
    await members[0]!.stop()
    await until(() => sizes(...members.slice(1)).join() === '3,3', ...members)
    send(600)
    await Promise.all(sending)
    const all = () => members.flatMap(m => m.values)
    await until(() => all().length >= 800, ...members)
    await Promise.all(members.slice(1).map(m => m.stop()))
    await producer.close()
    assert.deepEqual(all().toSorted(), Array.from({ length: 800 }, (_, i) => `${i}`).toSorted())
  })

  test('fetches of what a member keeps go on while others join (platformatic #225)', async () => {
    const name = await topicOf(4)
    const group = cluster.name('g')
    const slow = Promise.withResolvers<void>()
    const a = member([name], { group })
    await until(() => sizes(a)[0] === 4, a)
    // The newcomer's hook holds the second round of the rebalance.
    const b = member([name], { group, hooks: { onAssigned: () => slow.promise } })
    await until(() => sizes(a)[0] === 2, a)
    const kept = new Set(a.engine.assignment().map(keyOf))
    await fillTopic(kafka, name, 200)
    await until(() => a.values.length > 0, a)
    assert.equal(kept.size, 2)
    slow.resolve()
    await until(() => a.values.length + b.values.length === 200, a, b)
    await Promise.all([a.stop(), b.stop()])
  })

  for (const make of [() => range, () => roundRobin, sticky] as (() => Assignor)[]) {
    test(`the eager ${make().name} assignor revokes everything and shares anew`, async () => {
      const name = await topicOf(4)
      const group = cluster.name('g')
      const a = member([name], { group, assignors: [make()] })
      await until(() => sizes(a)[0] === 4, a)
      const b = member([name], { group, assignors: [make()] })
      await until(() => sizes(a, b).join() === '2,2', a, b)
      assert.deepEqual(a.told.slice(0, 2), ['+ 0,1,2,3', '- 0,1,2,3'])
      await Promise.all([a.stop(), b.stop()])
    })
  }

  test('a restarted member starts at once, for the one before has left (kafkajs#1482)', async () => {
    const name = await topicOf(1, 1)
    const group = cluster.name('g')
    for (let i = 0; i < 3; i++) {
      const started = performance.now()
      const m = member([name], { group, sessionTimeoutMs: 30_000 })
      await until(() => sizes(m)[0] === 1, m)
      assert(performance.now() - started < 10_000)
      await m.stop()
    }
  })

  test('a static member comes back to what it had without a rebalance', async () => {
    const name = await topicOf(4)
    const group = cluster.name('g')
    const a = member([name], { group, groupInstanceId: 'a' })
    const b = member([name], { group, groupInstanceId: 'b' })
    await until(() => sizes(a, b).join() === '2,2', a, b)
    await until(() => a.engine.membership().generation === b.engine.membership().generation, a, b)
    const { generation } = a.engine.membership()
    const had = b.engine.assignment()
    await b.stop()
    const again = member([name], { group, groupInstanceId: 'b' })
    await until(() => sizes(again)[0] === 2, again)
    assert.deepEqual([again.engine.assignment(), again.engine.membership().generation], [had, generation])
    await Promise.all([a.stop(), again.stop()])
    await kafka.admin().groups.removeMembers(group, [
      { memberId: '', groupInstanceId: 'a' },
      { memberId: '', groupInstanceId: 'b' },
    ])
  })

  test('of two members with the same instance id the older is told so, and ends', async () => {
    const name = await topicOf(1)
    const group = cluster.name('g')
    const a = member([name], { group, groupInstanceId: 'same' })
    await until(() => sizes(a)[0] === 1, a)
    const b = member([name], { group, groupInstanceId: 'same' })
    await assert.rejects(a.failed, { code: 'FENCED_INSTANCE_ID', message: /groupInstanceId/ })
    await until(() => sizes(b)[0] === 1, b)
    assert.deepEqual([a.engine.health().state, a.told], ['failed', ['+ 0', 'lost 0']])
    await Promise.all([a.stop(), b.stop()])
  })

  test('new partitions of a topic are found and shared', async () => {
    const name = await topicOf(1)
    const m = member([name], { group: cluster.name('g'), metadataMaxAgeMs: 50 })
    await until(() => sizes(m)[0] === 1, m)
    await kafka.admin().topics.createPartitions(name, 3)
    await until(() => sizes(m)[0] === 3, m)
    assert.deepEqual(m.told, ['+ 0', '+ 1,2'])
    await m.stop()
  })

  test('subscribing to other topics takes them up and lets the old ones go', async () => {
    const [one, two] = [await topicOf(1), await topicOf(2)]
    const m = member([one], { group: cluster.name('g') })
    await until(() => sizes(m)[0] === 1, m)
    m.engine.subscribe([two])
    await until(() => sizes(m)[0] === 2, m)
    assert.deepEqual(m.told, ['+ 0', '- 0', '+ 0,1'])
    await m.stop()
  })

  test('a custom assignor carries its own bytes to the leader and back', async () => {
    const name = await topicOf(2)
    const group = cluster.name('g')
    const got: string[] = []
    const custom = (mine: string): Assignor => ({
      name: 'custom',
      protocol: 'cooperative',
      userData: () => Buffer.from(mine),
      assign: async ({ members, partitionsOf }) => {
        assert.equal(partitionsOf(name), 2)
        const wishes = members
          .map(m => Buffer.from(m.userData!).toString())
          .toSorted()
          .join('+')
        const whole = Array.from({ length: 2 }, (_, partition) => ({ topic: name, partition }))
        const winner = members.find(m => Buffer.from(m.userData!).toString() === 'x')
        return new Map(
          members.map(m => [m.memberId, { partitions: m === winner ? whole : [], userData: Buffer.from(wishes) }]),
        )
      },
      onAssigned: ({ userData }) => {
        got.push(`${mine}: ${Buffer.from(userData!)}`)
      },
    })
    const x = member([name], { group, assignors: [custom('x')] })
    await until(() => sizes(x)[0] === 2, x)
    const y = member([name], { group, assignors: [custom('y')] })
    await until(() => got.includes('y: x+y') && got.includes('x: x+y'), x, y)
    assert.deepEqual([got[0], sizes(x, y)], ['x: x', [2, 0]])
    await Promise.all([x.stop(), y.stop()])
  })

  test('offsets are committed with metadata and epoch, and never go backwards', async () => {
    const name = await topicOf(1, 10)
    const engine = createConsumerEngine(kafka.cluster, { group: cluster.name('g') })
    const at = { topic: name, partition: 0 }
    await engine.commit([{ ...at, offset: 7, leaderEpoch: 0, metadata: 'half' }])
    await engine.commit([{ ...at, offset: 4 }])
    assert.deepEqual(await engine.committed([at, { topic: name, partition: 9 }]), [
      { ...at, offset: 7, leaderEpoch: 0, metadata: 'half' },
      null,
    ])
    await engine.close()
  })

  test('members that offer no common assignor are told so', async () => {
    const name = await topicOf(1)
    const group = cluster.name('g')
    const a = member([name], { group, assignors: [range] })
    await until(() => sizes(a)[0] === 1, a)
    const b = member([name], { group, assignors: [roundRobin] })
    await assert.rejects(b.failed, { code: 'INCONSISTENT_GROUP_PROTOCOL', message: /assignor/ })
    await Promise.all([a.stop(), b.stop()])
  })
})
