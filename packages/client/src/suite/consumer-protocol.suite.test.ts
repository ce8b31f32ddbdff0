/** What consumers do together in groups of the consumer protocol (KIP-848), on any cluster that offers it. */
import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { after, before, suite, test } from 'node:test'
import type { EngineOptions } from '../consumer/engine.ts'
import { createConsumerEngine, type Kafka } from '../index.ts'
import { fillTopic, membersShow, type PolledMember, polledMember } from '../testing/polled-member.ts'
import { type TestCluster, testCluster } from '../testing/test-cluster.ts'

const quick = {
  'group.consumer.min.heartbeat.interval.ms': '50',
  'group.consumer.heartbeat.interval.ms': '50',
  'group.consumer.min.session.timeout.ms': '1000',
  'group.consumer.session.timeout.ms': '2000',
}

suite('groups of the consumer protocol', () => {
  let cluster: TestCluster
  let kafka: Kafka
  const members: PolledMember[] = []
  before(async () => {
    cluster = await testCluster({ config: quick })
    kafka = cluster.kafka()
  })
  after(() => cluster[Symbol.asyncDispose]())

  async function topicOf(partitions: number, records = 0, prefix = 'shared'): Promise<string> {
    const name = cluster.name(prefix)
    await kafka.admin().topics.create({ name, partitions })
    await fillTopic(kafka, name, records)
    return name
  }

  function member(topics: string[] | RegExp, options: EngineOptions & { group: string }): PolledMember {
    const made = polledMember(kafka, topics, options)
    members.push(made)
    return made
  }

  const until = (isSo: () => boolean): Promise<void> => membersShow(isSo, members)

  const sizes = (...some: PolledMember[]): string => some.map(m => m.engine.assignment().length).join()

  test('the broker offers it, so it is chosen, and told', async () => {
    const said: unknown[] = []
    const hear = (message: unknown) => void said.push(message)
    channel('odradek:consumer:protocol').subscribe(hear)
    const group = cluster.name('g')
    const a = member([await topicOf(2)], { group })
    await until(() => sizes(a) === '2')
    channel('odradek:consumer:protocol').unsubscribe(hear)
    assert.deepEqual(said, [{ group, protocol: 'consumer', reason: 'the broker offers it' }])
    assert.equal((await kafka.admin().groups.list()).find(listed => listed.groupId === group)?.type, 'consumer')
    await a.stop()
  })

  test('a second member takes its share, nothing else stops, and what was read is not read again', async () => {
    const name = await topicOf(4, 100)
    const group = cluster.name('g')
    const a = member([name], { group })
    await until(() => a.values.length === 100)
    const b = member([name], { group })
    await until(() => sizes(a, b) === '2,2')
    await fillTopic(kafka, name, 100)
    await until(() => a.values.length + b.values.length === 200)
    await b.stop()
    await until(() => sizes(a) === '4')
    await a.stop()
    const moved = a.told[1]!.slice(2)
    assert.deepEqual(a.told, ['+ 0,1,2,3', `- ${moved}`, `+ ${moved}`, '- 0,1,2,3'])
  })

  test('the revocation hook has returned before another member is assigned', async () => {
    const name = await topicOf(2)
    const group = cluster.name('g')
    const order: string[] = []
    const gate = Promise.withResolvers<void>()
    const onRevoked = async () => {
      order.push('revoking')
      await gate.promise
      order.push('revoked')
    }
    const a = member([name], { group, hooks: { onRevoked } })
    await until(() => sizes(a) === '2')
    const b = member([name], { group, hooks: { onAssigned: () => void order.push('assigned') } })
    await until(() => order.length === 1)
    setTimeout(() => gate.resolve(), 300)
    await until(() => sizes(a, b) === '1,1')
    assert.deepEqual(order, ['revoking', 'revoked', 'assigned'])
    await Promise.all([a.stop(), b.stop()])
  })

  test('classic members and members of the consumer protocol share one group', async () => {
    const name = await topicOf(4, 40)
    const group = cluster.name('g')
    const classic = member([name], { group, heartbeatIntervalMs: 50 })
    await until(() => sizes(classic) === '4')
    const modern = member([name], { group, groupProtocol: 'consumer' })
    await until(() => sizes(classic, modern) === '2,2')
    await classic.stop()
    await until(() => sizes(modern) === '4')
    await modern.stop()
  })

  test('a static member that leaves for a while finds its partitions again, and nobody else had them', async () => {
    const name = await topicOf(4)
    const group = cluster.name('g')
    const a = member([name], { group, groupInstanceId: 'one' })
    const b = member([name], { group, groupInstanceId: 'two' })
    await until(() => sizes(a, b) === '2,2')
    const had = b.engine.assignment()
    await b.stop()
    const again = member([name], { group, groupInstanceId: 'two' })
    await until(() => sizes(again) === '2')
    assert.deepEqual(again.engine.assignment(), had)
    assert.equal(a.told.filter(line => line.startsWith('-')).length <= 1, true)
    await Promise.all([a.stop(), again.stop()])
  })

  test('topics are found by expression, those to come too, and by the words of JavaScript where RE2 has none', async () => {
    const prefix = cluster.name('re')
    const group = cluster.name('g')
    const make = async (name: string) => {
      await kafka.admin().topics.create({ name, partitions: 1 })
      await fillTopic(kafka, name, 1)
    }
    await make(`${prefix}-a`)
    const there = member(new RegExp(`^${prefix}-[a-c]$`), { group, metadataMaxAgeMs: 500 })
    const here = member(new RegExp(`^${prefix}-(?!z)`), { group: `${group}2`, metadataMaxAgeMs: 500 })
    await until(() => sizes(there, here) === '1,1')
    await make(`${prefix}-b`)
    await make(`${prefix}-z`)
    await until(() => sizes(here) === '2')
    if (!cluster.isForeign) await until(() => sizes(there) === '2')
    assert.equal(
      here.engine.assignment().some(at => at.topic.endsWith('-z')),
      false,
    )
    await Promise.all([there.stop(), here.stop()])
  })

  test('whoever is not polled leaves, and joins again when it is', async () => {
    const name = await topicOf(2)
    const group = cluster.name('g')
    const told: string[] = []
    const hooks = { onAssigned: () => void told.push('+'), onLost: () => void told.push('lost') }
    const slow = createConsumerEngine(kafka.cluster, { group, maxPollIntervalMs: 800, hooks })
    slow.subscribe([name])
    while (told.length < 1) await slow.poll(50)
    const other = member([name], { group })
    await until(() => sizes(other) === '2')
    assert.equal(slow.health().state, 'stalled')
    while (slow.assignment().length !== 1 || told.length < 3) await slow.poll(50)
    assert.deepEqual(told, ['+', 'lost', '+'])
    await slow.close()
    await other.stop()
  })

  test('an assignor that the broker does not have is told at once', async () => {
    const engine = createConsumerEngine(kafka.cluster, { group: cluster.name('g'), serverAssignor: 'nobody' })
    engine.subscribe([await topicOf(1)])
    await assert.rejects(engine.poll(10_000), { code: 'UNSUPPORTED_ASSIGNOR' })
    await engine.close()
  })
})
