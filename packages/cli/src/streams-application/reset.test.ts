/** `odradek streams reset` against a broker in this process: after each flag, positions and topics really are what it says. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Broker } from '@odradek/broker'
import { Kafka, serde, topic } from '@odradek/client'
import { JoinGroup, type RequestInput, StreamsGroupHeartbeat } from '@odradek/protocol'
import { KafkaStreams, StreamsBuilder } from '@odradek/streams'
import { ls, reset } from '../commands/streams.ts'
import { printed } from '../testing/printed.ts'

const hour = 3_600_000
const own = ['app-words-changelog', 'app-words-repartition']
const lines = topic('lines', { value: serde.string })

/**
 * `lines` has ten records in partition 0, an hour apart and the last half an hour ago, of which the first was deleted; four in
 * partition 1, none in partition 2. `app` keeps two topics for itself, its name begins like that of another application.
 */
async function scene(t: TestContext, config: Record<string, string> = {}) {
  const broker = await Broker.start({ config: { 'group.initial.rebalance.delay.ms': '0', ...config } })
  const kafka = new Kafka({ brokers: broker.bootstrap })
  t.after(async () => {
    await kafka.close()
    await broker.close({ drain: false })
  })
  const admin = kafka.admin()
  const others = [...own, 'app-orders', 'app2-words-changelog'].map(name => ({ name, partitions: 1 }))
  await admin.topics.create([{ name: 'lines', partitions: 3 }, ...others])
  const began = Date.now() - 9.5 * hour
  const records = [...Array(10).keys()].map(i => ({ partition: 0, value: `0-${i}`, timestamp: began + i * hour }))
  const more = [...Array(4).keys()].map(i => ({ partition: 1, value: `1-${i}`, timestamp: began + i }))
  await kafka.producer().sendAll(lines, [...records, ...more])
  await admin.topics.deleteRecords([{ topic: 'lines', partition: 0, before: 1 }])
  const committed = async () => {
    const offsets = (await admin.groups.offsets('app')).filter(at => at.topic === 'lines')
    return [0, 1, 2].map(partition => offsets.find(at => at.partition === partition)?.offset ?? null)
  }
  const topics = async () => (await Array.fromAsync(admin.topics.list())).map(({ name }) => name).sort()
  const run = (...flags: string[]) =>
    printed(reset, ['-b', broker.bootstrap, '--application', 'app', '--input-topics', 'lines', ...flags])
  return { broker, kafka, admin, committed, topics, run, began }
}

type Scene = Awaited<ReturnType<typeof scene>>

/** It had come to 5 and 2, and not begun with the last partition. */
async function progressed({ admin }: Scene): Promise<void> {
  const place = (partition: number) => ({ topic: 'lines', partition })
  await admin.groups.setOffsets('app', [
    { ...place(0), offset: 5 },
    { ...place(1), offset: 2 },
    { ...place(2), offset: 0 },
  ])
  await admin.groups.deleteOffsets('app', [place(2)])
}

const before = [5, 2, null]

async function offsetsFile(t: TestContext, text: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-reset-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'offsets.csv')
  writeFileSync(file, text)
  return file
}

test('each flag moves the positions of an application to where it says, and --dry-run none', async t => {
  const at = await scene(t)
  const when = (i: number) => new Date(at.began + i * hour).toISOString()
  const withoutZone = (text: string) => text.replace('Z', '')
  const kept = await at.topics()
  const cases: readonly (readonly [flags: string[], expected: (number | null)[]])[] = [
    [[], [1, 0, 0]],
    [['--to-earliest'], [1, 0, 0]],
    [['--to-latest'], [10, 4, 0]],
    [
      ['--to-offset', '3'],
      [3, 3, 0],
    ],
    [
      ['--to-offset', '99'],
      [10, 4, 0],
    ],
    [
      ['--to-offset', '0'],
      [1, 0, 0],
    ],
    [
      ['--shift-by', '1'],
      [6, 3, 0],
    ],
    [
      ['--shift-by', '-2'],
      [3, 0, 0],
    ],
    [['--shift-by=-9'], [1, 0, 0]],
    [
      ['--to-datetime', when(6)],
      [6, 4, 0],
    ],
    [
      ['--to-datetime', withoutZone(when(7))],
      [7, 4, 0],
    ],
    [
      ['--to-datetime', '1999-01-01'],
      [1, 0, 0],
    ],
    [
      ['--by-duration', 'PT4H'],
      [6, 4, 0],
    ],
    [
      ['--by-duration', '90m'],
      [9, 4, 0],
    ],
    [
      ['--by-duration', 'P1D'],
      [1, 0, 0],
    ],
  ]
  for (const [flags, expected] of cases) {
    await progressed(at)
    const name = flags.join(' ')
    const told = await at.run(...flags, '--dry-run')
    assert.deepEqual([name, await at.committed()], [name, before])
    assert.deepEqual([name, await at.topics()], [name, kept])
    const moves = told.filter(({ action }) => action === 'move')
    assert.deepEqual(
      moves.map(({ partition, from, to }) => [name, partition, from, to]),
      expected.map((to, partition) => [name, partition, before[partition], to]),
    )
    const keep = ['--internal-topics', own[0]!] // so that the others are there for the next
    assert.deepEqual(
      (await at.run(...flags, ...keep)).filter(({ action }) => action === 'move'),
      moves,
    )
    assert.deepEqual([name, await at.committed()], [name, expected])
    await at.admin.topics.create({ name: own[0]!, partitions: 1 })
  }
})

test('a file says it for each partition that it names, of whatever topic; --dry-run and faults change nothing', async t => {
  const at = await scene(t)
  await progressed(at)
  const flags = ['--from-file', await offsetsFile(t, 'lines,0,7\r\nlines,1,99\n\n')]
  assert.equal((await at.run(...flags, '--dry-run')).length, 4)
  assert.deepEqual(await at.committed(), before)
  for (const [text, message] of [
    ['nothing,0,1', /no topic 'nothing'/],
    ['lines;0;1', /Line 1 of the file is 'lines;0;1'/],
  ] as const) {
    await assert.rejects(at.run('--from-file', await offsetsFile(t, text)), message)
    await assert.rejects(at.run('--from-file', await offsetsFile(t, text), '--to-latest'), /do not go together/)
  }
  assert.deepEqual([await at.committed(), (await at.topics()).includes(own[0]!)], [before, true])
  await at.run(...flags)
  assert.deepEqual(await at.committed(), [7, 4, null])
})

test('only topics that the application keeps for itself are deleted, or only those that are named', async t => {
  const at = await scene(t)
  const all = await at.topics()
  assert.deepEqual(
    all.filter(name => !name.startsWith('__')),
    ['app-orders', ...own, 'app2-words-changelog', 'lines'],
  )
  await at.run('--internal-topics', own[1]!)
  assert.deepEqual(
    await at.topics(),
    all.filter(name => name !== own[1]),
  )
  for (const stranger of ['app-orders', 'app2-words-changelog', 'lines'])
    await assert.rejects(
      at.run('--internal-topics', stranger),
      /no internal topic of 'app'\. It has: app-words-changelog\./,
    )
  await at.run()
  assert.deepEqual(
    await at.topics(),
    all.filter(name => !own.includes(name)),
  )
})

test('an application that was reset goes on from where the flag says', async t => {
  const at = await scene(t)
  await progressed(at)
  await at.run('--to-datetime', new Date(at.began + 8 * hour).toISOString())
  const builder = new StreamsBuilder()
  const seen: string[] = []
  const done = Promise.withResolvers<void>()
  builder.stream('lines', { value: serde.string }).foreach(line => {
    seen.push(line!)
    if (seen.length === 2) done.resolve()
  })
  await using app = new KafkaStreams(builder.build(), { applicationId: 'app', kafka: at.kafka, commitIntervalMs: 50 })
  await app.start()
  await done.promise
  assert.deepEqual(seen, ['0-8', '0-9'])
})

/** A member of a classic group that has joined and hangs: it sends no heartbeats, and its session is long. */
async function hangingMember({ kafka }: Scene): Promise<void> {
  const protocols = [{ name: 'stream', metadata: new Uint8Array(8) }]
  const asked = { groupId: 'app', sessionTimeoutMs: 300_000, rebalanceTimeoutMs: 1_000, protocolType: 'consumer' }
  const join = async (memberId: string) =>
    kafka.cluster.call(await kafka.cluster.coordinator('group', 'app'), JoinGroup, {
      ...asked,
      memberId,
      protocols,
    } as never)
  const { memberId } = await join('')
  await join(memberId)
}

const beat = async ({ kafka }: Scene, more: Partial<RequestInput<typeof StreamsGroupHeartbeat>>) => {
  const blank = { groupId: 'app', memberId: 'm', memberEpoch: 0, endpointInformationEpoch: -1 }
  const node = await kafka.cluster.coordinator('group', 'app')
  const reply = await kafka.cluster.call(node, StreamsGroupHeartbeat, { ...blank, ...more })
  assert.equal(reply.errorCode, 0, reply.errorMessage ?? '')
}

/** A member of a streams group (KIP-1071), as Kafka Streams with `group.protocol=streams` is one. */
const streamsMember = (at: Scene): Promise<void> =>
  beat(at, {
    ...{ rebalanceTimeoutMs: 60_000, processId: 'p', activeTasks: [], standbyTasks: [], warmupTasks: [] },
    topology: {
      epoch: 0,
      subtopologies: [
        {
          ...{ subtopologyId: '0', sourceTopics: ['lines'], sourceTopicRegex: [], stateChangelogTopics: [] },
          ...{ repartitionSinkTopics: [], repartitionSourceTopics: [], copartitionGroups: [] },
        },
      ],
    },
  })

for (const [kind, join] of [
  ['classic', hangingMember],
  ['streams', streamsMember],
] as const) {
  test(`while a member of its ${kind} group is active a reset is refused and changes nothing; --force takes it out first`, async t => {
    const at = await scene(t)
    await progressed(at)
    await join(at)
    const b = ['-b', at.broker.bootstrap]
    const [listed] = await printed(ls, b)
    assert.deepEqual([listed!.application, listed!.type, listed!.members], ['app', kind, 1])
    const all = await at.topics()
    const refused = /'app' has 1 active member\. Stop every instance first/
    await assert.rejects(at.run(), refused)
    await assert.rejects(at.run('--dry-run'), refused)
    const planned = await at.run('--force', '--dry-run')
    assert.deepEqual([await at.committed(), await at.topics()], [before, all])
    assert.equal((await printed(ls, b))[0]!.members, 1)
    assert.deepEqual(await at.run('--force'), planned)
    assert.deepEqual(await at.committed(), [1, 0, 0])
    assert.deepEqual(
      await at.topics(),
      all.filter(name => !own.includes(name)),
    )
  })
}

test('a streams group whose members have left is reset like a classic one', async t => {
  const at = await scene(t)
  await streamsMember(at)
  await beat(at, { memberEpoch: -1 })
  const [listed] = await printed(ls, ['-b', at.broker.bootstrap])
  assert.deepEqual([listed!.type, listed!.members, listed!.internal_topics], ['streams', 0, 2])
  await at.run('--to-offset', '2')
  assert.deepEqual(await at.committed(), [2, 2, 0])
  assert.equal((await at.topics()).includes(own[0]!), false)
})
