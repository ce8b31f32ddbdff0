/** `odradek streams` against a broker in this process. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Broker } from '@odradek/broker'
import { Kafka, serde, topic } from '@odradek/client'
import { KafkaStreams, StreamsBuilder } from '@odradek/streams'
import { describe, ls, remove, reset } from '../commands/streams.ts'
import { printed } from '../testing/printed.ts'
import { internalTopicKind } from './internal-topics.ts'
import { parseOffsetsFile, targetOf } from './reset-target.ts'

function counting() {
  const builder = new StreamsBuilder()
  builder
    .stream('lines', { key: serde.string, value: serde.string })
    .groupBy(line => line, { key: serde.string, value: serde.string })
    .count({ store: 'words' })
    .toStream()
    .to('counts', { key: serde.string, value: serde.int64 })
  return builder.build()
}

test('an application is listed and described while it runs, refuses a reset, and begins anew after one', async () => {
  await using broker = await Broker.start({ config: { 'group.initial.rebalance.delay.ms': '0' } })
  await using kafka = new Kafka({ brokers: broker.bootstrap })
  const at = ['-b', broker.bootstrap]
  const lines = topic('lines', { key: serde.string, value: serde.string })
  await kafka.admin().topics.create(['lines', 'counts'].map(name => ({ name, partitions: 1 })))
  const producer = kafka.producer()
  await producer.sendAll(lines, [
    { key: '1', value: 'a' },
    { key: '2', value: 'b' },
  ])
  const counted = () => Array.fromAsync(kafka.read(topic('counts', { key: serde.string, value: serde.int64 })))
  const run = async (records: number) => {
    await using app = new KafkaStreams(counting(), { applicationId: 'app', kafka, commitIntervalMs: 50 })
    await app.start()
    await app.running()
    while ((await counted()).length < records);
    const listed = await printed(ls, at)
    const [member] = await printed(describe, [...at, 'app'])
    await assert.rejects(printed(reset, [...at, '--application', 'app', '--input-topics', 'lines']), /1 active member/)
    await assert.rejects(printed(remove, [...at, 'app']), /active members: stop every instance/)
    return { listed, member: member! }
  }
  const { listed, member } = await run(2)
  assert.deepEqual(listed, [{ application: 'app', type: 'classic', state: 'Stable', members: 1, internal_topics: 2 }])
  assert.deepEqual([...(member.partitions as string[])].sort(), ['app-words-repartition-0', 'lines-0'])
  assert.deepEqual(await printed(describe, [...at, 'app', '--topics']), [
    { topic: 'app-words-changelog', kind: 'changelog' },
    { topic: 'app-words-repartition', kind: 'repartition' },
  ])
  const offsets = await printed(describe, [...at, 'app', '--offsets'])
  assert.deepEqual(offsets.find(({ topic }) => topic === 'lines')!.lag, 0)

  const args = [...at, '--application', 'app', '--input-topics', 'lines']
  const expected = [
    { action: 'move', topic: 'lines', partition: 0, from: 2, to: 0 },
    { action: 'delete', topic: 'app-words-changelog', partition: null, from: null, to: null },
    { action: 'delete', topic: 'app-words-repartition', partition: null, from: null, to: null },
  ]
  assert.deepEqual(await printed(reset, [...args, '--dry-run']), expected)
  assert.equal((await printed(describe, [...at, 'app', '--topics'])).length, 2)
  assert.deepEqual(await printed(reset, args), expected)
  assert.equal((await printed(describe, [...at, 'app', '--topics'])).length, 0)
  await run(4)
  assert.deepEqual(
    (await counted()).map(({ key, value }) => [key, value]),
    [
      ['a', 1],
      ['b', 1],
      ['a', 1],
      ['b', 1],
    ],
  )
  await printed(remove, [...at, 'app', '--internal-topics'])
  await assert.rejects(printed(describe, [...at, 'app']), /There is no application 'app': .*No other/)
  assert.deepEqual(await printed(ls, at), [])
})

test('a reset takes offsets from a file, refuses what does not exist before it changes anything', async () => {
  await using broker = await Broker.start()
  await using kafka = new Kafka({ brokers: broker.bootstrap })
  const folder = mkdtempSync(join(tmpdir(), 'odradek-reset-'))
  const file = join(folder, 'offsets.csv')
  try {
    await kafka.admin().topics.create(['lines', 'app-s-changelog'].map(name => ({ name, partitions: 2 })))
    await kafka.producer().sendAll(
      'lines',
      [0, 0, 0, 1].map(partition => ({ key: null, value: new Uint8Array(1), partition })),
    )
    const args = ['-b', broker.bootstrap, '--application', 'app']
    await assert.rejects(printed(reset, [...args, '--input-topics', 'lines,nowhere']), /no topic 'nowhere'/)
    await assert.rejects(printed(reset, [...args, '--internal-topics', 'lines']), /lines: no internal topic of 'app'/)
    assert.deepEqual(await kafka.admin().groups.offsets('app'), [])
    writeFileSync(file, 'lines,0,2\nlines,1,9\n')
    const rows = await printed(reset, [...args, '--from-file', file])
    assert.deepEqual(
      rows.map(({ action, partition, to }) => [action, partition, to]),
      [
        ['move', 0, 2],
        ['move', 1, 1],
        ['delete', null, null],
      ],
    )
    await assert.rejects(printed(reset, ['-b', broker.bootstrap, '--application', 'other']), /no application 'other'/)
    await assert.rejects(
      printed(reset, ['-b', broker.bootstrap, '--application', 'other', '--input-topics', 'lines']),
      /There is no application 'other': .*No other is to be seen; .*group ls/,
    )
    const groups = await kafka.admin().groups.list()
    assert.ok(!groups.some(({ groupId }) => groupId === 'other'), 'a name that is misspelt makes no group')
    await kafka.admin().topics.create({ name: 'app-s-changelog', partitions: 2 })
    await assert.rejects(printed(reset, ['-b', broker.bootstrap, '--application', 'apq']), /There is 'app'; /)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('where to: one flag of seven, as in Kafka', () => {
  const now = Date.UTC(2026, 0, 31)
  assert.equal(targetOf({}, now), 'earliest')
  assert.equal(targetOf({ 'to-latest': true }, now), 'latest')
  assert.deepEqual(targetOf({ 'to-offset': '7' }, now), { offset: 7 })
  assert.deepEqual(targetOf({ 'shift-by': '-3' }, now), { shift: -3 })
  assert.deepEqual(targetOf({ 'by-duration': 'P1DT2H3M4.5S' }, now), { timestamp: now - 93_784_500 })
  assert.deepEqual(targetOf({ 'by-duration': '90s' }, now), { timestamp: now - 90_000 })
  assert.deepEqual(targetOf({ 'to-datetime': '2026-01-31T00:00:00' }, 0), { timestamp: now })
  assert.deepEqual(targetOf({ 'to-datetime': '2026-01-31T01:00:00+01:00' }, 0), { timestamp: now })
  assert.equal(targetOf({ 'from-file': 'x' }, now), undefined)
  assert.throws(() => targetOf({ 'to-latest': true, 'to-offset': '1' }, now), /do not go together/)
  assert.throws(() => targetOf({ 'to-offset': '-1' }, now), /not a whole number/)
  assert.throws(() => targetOf({ 'to-datetime': 'soon' }, now), /is no time/)
  assert.throws(() => targetOf({ 'by-duration': 'P' }, now), /no duration/)
  assert.throws(() => parseOffsetsFile('lines,0'), /Line 1 of the file/)
})

test('internal topics are told by their names', () => {
  const kinds = [
    'app-x-changelog',
    'app-KSTREAM-MAP-0000000004-repartition',
    'app-join-subscription-response-topic',
    'app-KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-0000000006-topic',
    'app-orders',
    'application-x-changelog',
    'app-changelog-of-mine',
  ].map(name => internalTopicKind(name, 'app'))
  assert.deepEqual(kinds, ['changelog', 'repartition', 'subscription', 'subscription', undefined, undefined, undefined])
})
