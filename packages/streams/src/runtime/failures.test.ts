import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { type Serde, serde, UsageError } from '@odradek/client'
import { type KStream, StreamsBuilder, StreamsError, type Topology } from '../index.ts'
import { SimulatedCluster, wordCount } from '../testing/simulated-cluster.ts'

/** Runs the topology on lines until it ends; answers with what. */
async function endOf(topology: Topology, lines: string[]): Promise<StreamsError> {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  await cluster.publish(lines)
  const app = cluster.instance('one', {}, topology)
  const states: string[] = []
  app.onStateChange(state => states.push(state))
  const error: StreamsError = await cluster.finish(
    app.run().then(
      () => assert.fail('it ran to a peaceful end'),
      error => error,
    ),
  )
  assert.ok(error instanceof StreamsError, String(error))
  assert.deepEqual(states.slice(-2), ['PENDING_ERROR', 'ERROR'])
  await assert.rejects(app.running(), error)
  await app.close() // the error has been told
  const group = await cluster.finish(cluster.kafka.admin().groups.describe('app'))
  assert.deepEqual(group.members, [])
  await cluster.close()
  return error
}

function reading<V>(value: Serde<V>, write: (lines: KStream<string, V>) => void): Topology {
  const builder = new StreamsBuilder()
  write(builder.stream('lines', { key: serde.string, value }))
  return builder.build()
}

const placeOf = ({ code, node, topic, partition, offset }: StreamsError) => ({ code, node, topic, partition, offset })

test('a record that its serde cannot read ends the instance, and the error says which record it is', async () => {
  const json = serde.json<{ n: number }>()
  const error = await endOf(
    reading(json, lines => lines.flatMapValues(({ n }) => [n]).to('counts', { value: serde.int64 })),
    ['{"n":1}', '{"n":2}', '{"n":'],
  )
  const node = 'KSTREAM-SOURCE-0000000000'
  assert.deepEqual(placeOf(error), { code: 'DESERIALIZATION', node, topic: 'lines', partition: 0, offset: 2 })
  assert.match(
    error.message,
    /^Node KSTREAM-SOURCE-0000000000 of task 0_0 could not read .* at offset 2 of lines-0: .*json/,
  )
})

test('a callback that throws ends the instance, and the error says where', async () => {
  const cause = new RangeError('no such word')
  const split = (line: string): string[] => {
    if (line === 'b') throw cause
    return [line]
  }
  const error = await endOf(
    reading(serde.string, lines => lines.flatMapValues(split, { name: 'split' }).to('counts', { value: serde.string })),
    ['a', 'b'],
  )
  assert.deepEqual(placeOf(error), { code: 'PROCESSING', node: 'split', topic: 'lines', partition: 0, offset: 1 })
  assert.equal(error.cause, cause)
  assert.equal(error.message, 'Node split of task 0_0 failed on the record at offset 1 of lines-0: no such word')
})

test('so does a callback that rejects, or throws while its values are taken one by one', async () => {
  const late = await endOf(
    reading(serde.string, lines =>
      lines.groupBy(async () => Promise.reject(new Error('late')), { name: 'by' }).count(),
    ),
    ['a'],
  )
  assert.deepEqual(placeOf(late), { code: 'PROCESSING', node: 'by', topic: 'lines', partition: 0, offset: 0 })
  const halfway = await endOf(
    reading(serde.string, lines =>
      lines
        .flatMapValues(function* () {
          yield 'one'
          throw new Error('two')
        })
        .to('counts', { value: serde.string }),
    ),
    ['a'],
  )
  assert.equal(halfway.node, 'KSTREAM-FLATMAPVALUES-0000000001')
})

test('a value that does not fit the serde of a sink is blamed on the sink', async () => {
  const wrong = serde.int64 as unknown as Serde<string>
  const error = await endOf(
    reading(serde.string, lines => lines.to('counts', { name: 'out', value: wrong })),
    ['a'],
  )
  assert.deepEqual(placeOf(error), { code: 'PROCESSING', node: 'out', topic: 'lines', partition: 0, offset: 0 })
  assert.match(error.message, /a value of topic 'counts' does not fit its int64 serde/)
})

test('what the brokers refuse ends the instance before its offsets are committed (streams facts 2.31)', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  await cluster.finish(
    cluster.kafka.admin().topics.create({ name: 'narrow', partitions: 1, config: { 'max.message.bytes': '200' } }),
  )
  await cluster.publish(['short', 'l'.repeat(300)])
  const topology = reading(serde.string, lines => lines.to('narrow', { name: 'out' }))
  const app = cluster.instance('one', { commitIntervalMs: 1_000 }, topology)
  await cluster.finish(
    assert.rejects(app.run(), (error: StreamsError) => {
      assert.deepEqual([error.code, error.node, error.topic, error.partition], ['PRODUCTION', 'node out', 'narrow', 0])
      assert.match(error.message, /node out wrote to narrow-0 could not be delivered: .*MESSAGE_TOO_LARGE/)
      return true
    }),
  )
  assert.equal(app.state, 'ERROR')
  const [lag] = await cluster.finish(cluster.kafka.admin().groups.offsets('app'))
  assert.ok(lag === undefined || lag.offset === 0, JSON.stringify(lag))
  await cluster.close()
})

test('a partition that a sink chooses and its topic has not is named, with the node', async () => {
  for (const chosen of [7, -1, 0.5, Number.NaN]) {
    const error = await endOf(
      reading(serde.string, lines =>
        lines.to('counts', { name: 'out', value: serde.string, partitionOf: () => chosen }),
      ),
      ['a'],
    )
    assert.deepEqual([error.code, error.node, error.topic], ['PRODUCTION', 'node out', 'counts'])
    assert.ok(error.message.includes(`answered ${chosen}, which is no partition; counts has 0 to 0`), error.message)
  }
})

test('a failure that nobody waits for ends the process rather than stay unheard', async () => {
  const program = `
    const { SimulatedCluster, wordCount } = await import('./src/testing/simulated-cluster.ts')
    const cluster = await SimulatedCluster.start(1)
    await cluster.makeTopics(1)
    const app = cluster.instance('one')
    await cluster.finish(app.start())
    await cluster.finish(cluster.kafka.admin().topics.createPartitions('lines', 2))
    await cluster.world.clock.advance(100_000)
    console.log('unheard')`
  const args = ['--input-type=module-typescript', '--eval', program]
  const cwd = new URL('../../', import.meta.url)
  const { code, stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd }).catch(error => error)
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /'lines' has 2 partitions now/)
})

test('a source topic that does not exist is named at the start, with the command that makes it', async () => {
  const cluster = await SimulatedCluster.start(1)
  const app = cluster.instance('one')
  await cluster.finish(
    assert.rejects(
      app.start(),
      new UsageError(
        "Source topic 'lines' does not exist. Create it before the application starts: odradek topic create lines",
      ),
    ),
  )
  assert.equal(app.state, 'ERROR')
  await cluster.close()
})

test('an internal topic of another width is named', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(2)
  await cluster.finish(cluster.kafka.admin().topics.create({ name: 'app-words-changelog', partitions: 3 }))
  await cluster.finish(
    assert.rejects(
      cluster.instance('one').start(),
      /'app-words-changelog' has 3 partitions and must have 2, .*`odradek streams reset` does both.*another application id/,
    ),
  )
  await cluster.close()
})

test('a source topic that grows under an application with state ends it; one without state reads on', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  const app = cluster.instance('one', {}, wordCount())
  const copy = cluster.instance(
    'two',
    { applicationId: 'copy' },
    reading(serde.string, lines => lines.to('counts')),
  )
  await cluster.finish(Promise.all([app.start(), copy.start()]))
  const ended = assert.rejects(
    app.run(),
    /'lines' has 3 partitions now; KSTREAM-SOURCE-0000000000 reads it, and when it began there were 1/,
  )
  await cluster.until(() => copy.state === 'RUNNING')
  await cluster.finish(cluster.kafka.admin().topics.createPartitions('lines', 3))
  await cluster.finish(ended)
  await cluster.until(() => copy.tasks().length === 3)
  await cluster.close(copy)
})

test('a source topic that is deleted under a running application ends it, and is named with its node', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  const app = cluster.instance('one', {}, wordCount())
  const copy = cluster.instance(
    'two',
    { applicationId: 'copy' },
    reading(serde.string, lines => lines.to('counts')),
  )
  await cluster.finish(Promise.all([app.start(), copy.start()]))
  const ended = [app, copy].map(each =>
    assert.rejects(each.run(), /Source topic 'lines', read by KSTREAM-SOURCE-0000000000, was deleted while/),
  )
  await cluster.until(() => [app, copy].every(({ state }) => state === 'RUNNING'))
  await cluster.finish(cluster.kafka.admin().topics.delete('lines'))
  await cluster.finish(Promise.all(ended))
  await cluster.close()
})

test('a repartition topic that is deleted under a running application is named', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  const app = cluster.instance('one')
  await cluster.finish(app.start())
  const ended = assert.rejects(app.run(), /Repartition topic 'app-words-repartition' was deleted while/)
  await cluster.until(() => app.state === 'RUNNING')
  await cluster.finish(cluster.kafka.admin().topics.delete('app-words-repartition'))
  await cluster.finish(ended)
  await cluster.close()
})
