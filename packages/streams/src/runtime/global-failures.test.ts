/** Records that cannot be taken into a global store: its handlers are asked as those of a task are, and dead letters arrive. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Serde, serde, topic } from '@odradek/client'
import {
  type KafkaStreamsOptions,
  keyValueStore,
  logAndContinue,
  logAndFail,
  StreamsBuilder,
  StreamsError,
  Topology,
} from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

const text = { key: serde.string, value: serde.string }
const logger = { warn() {}, error() {} }
const deadTopic = topic('dead', text)

/** Names in capitals, of the topic `lines`; `bad` cannot be taken, `stuck` never ends. */
function capitals(): Topology {
  const topology = new Topology()
  topology.addGlobalStore(keyValueStore({ name: 'names', ...text, options: { logging: false } }), {
    ...{ ...text, source: 'names-source', topic: 'lines', name: 'names-processor' },
    processor: {
      process({ key, value }, context) {
        if (value === 'bad') throw new RangeError('no name')
        context.store<any>('names').put(key, value!.toUpperCase())
        return value === 'stuck' ? new Promise<void>(() => {}) : undefined
      },
    },
  })
  return topology
}

async function working(topology: Topology, lines: string[], options: Partial<KafkaStreamsOptions>) {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  await cluster.finish(
    cluster.kafka.admin().topics.create({ name: 'dead', partitions: 1, config: { 'max.message.bytes': '5000' } }),
  )
  await cluster.publish(lines)
  const app = cluster.instance('one', { logger, deadLetterTopic: 'dead', ...options }, topology)
  const letters = () => cluster.finish(Array.fromAsync(cluster.kafka.read(deadTopic, { isolation: 'read_committed' })))
  return { cluster, app, letters }
}

const headersOf = (headers: Iterable<readonly [string, Uint8Array | null]>) =>
  Array.from(headers, ([name, value]) => [name, value && new TextDecoder().decode(value)])

test('what a processor of a global store fails on goes to the dead letters, at the start and later, under either guarantee', async () => {
  for (const processingGuarantee of ['at_least_once', 'exactly_once_v2'] as const) {
    const { cluster, app, letters } = await working(capitals(), ['ann', 'bad', 'eve'], {
      ...{ processingGuarantee, handlers: { processing: logAndContinue } },
    })
    await cluster.finish(app.start())
    await cluster.finish(app.running())
    const names = () => Array.from(app.keyValueStore<string, string>('names').all(), ([, name]) => name)
    assert.deepEqual(names(), ['ANN', 'EVE'])
    await cluster.publish(['zoe', 'bad'])
    await cluster.until(() => names().includes('ZOE'))
    await cluster.finish(app.close())
    const [first, second, ...others] = await letters()
    assert.deepEqual([first!.key, first!.value, second!.key, second!.value, others], ['1', 'bad', '1', 'bad', []])
    const headers = headersOf(first!.headers)
    assert.equal(headers.length, 6)
    assert.deepEqual(
      [0, 1, 3, 4, 5].map(i => headers[i]),
      [
        ['__streams.errors.exception', 'RangeError'],
        ['__streams.errors.message', 'no name'],
        ['__streams.errors.topic', 'lines'],
        ['__streams.errors.partition', '0'],
        ['__streams.errors.offset', '1'],
      ],
    )
    await cluster.close()
  }
})

test('so does what a global table cannot read while it follows its topic', async () => {
  const builder = new StreamsBuilder()
  const value: Serde<{ n: number }> = serde.json()
  builder.globalTable('lines', { key: serde.string, value, store: 'numbers' })
  const { cluster, app, letters } = await working(builder.build(), ['{"n":1}'], {
    handlers: { deserialization: logAndContinue },
  })
  await cluster.finish(app.start())
  await cluster.finish(app.running())
  await cluster.publish(['{', '{"n":2}'])
  await cluster.until(() => app.store('numbers').size === 2)
  await cluster.finish(app.close())
  assert.deepEqual(
    (await letters()).map(({ key, value }) => [key, value]),
    [['0', '{']],
  )
  await cluster.close()
})

test('a failure ends the instance with the node and the record, after its dead letter', async () => {
  const { cluster, app, letters } = await working(capitals(), ['ann', 'bad'], { handlers: { processing: logAndFail } })
  await cluster.finish(
    assert.rejects(app.start(), (error: StreamsError) => {
      assert.ok(error instanceof StreamsError)
      assert.deepEqual(
        [error.code, error.node, error.topic, error.offset],
        ['PROCESSING', 'names-processor', 'lines', 1],
      )
      return true
    }),
  )
  assert.equal((await letters()).length, 1)
  await cluster.close()
})

test('a dead letter of a global store that cannot be written ends the instance, and the error names its topic', async () => {
  const { cluster, app } = await working(capitals(), ['ann'], {
    handlers: {
      processing: (_, { sourceKey: key, timestamp }) => ({
        answer: 'resume',
        deadLetters: [{ topic: 'dead', key, value: new Uint8Array(6_000), timestamp, headers: [] }],
      }),
    },
  })
  const ended = assert.rejects(app.run(), {
    code: 'PRODUCTION',
    topic: 'dead',
    message: /^A dead letter of a global store could not be written to dead: .*MESSAGE_TOO_LARGE/,
  })
  await cluster.finish(app.running())
  await cluster.publish(['bad'])
  await cluster.finish(ended)
  await cluster.close()
})

test('one that is on its way when the instance is closed is waited for; refused, it is what close rejects with', async () => {
  const closed: { now?: () => Promise<void> } = {}
  const { cluster, app } = await working(capitals(), ['ann'], {
    handlers: {
      processing: (_, { sourceKey: key, timestamp }) => {
        closed.now?.()
        return {
          answer: 'resume',
          deadLetters: [{ topic: 'dead', key, value: new Uint8Array(6_000), timestamp, headers: [] }],
        }
      },
    },
  })
  let end: Promise<void> | undefined
  closed.now = () => (end = assert.rejects(app.close(), { code: 'PRODUCTION', topic: 'dead' }))
  await cluster.finish(app.start())
  await cluster.publish(['bad'])
  await cluster.until(() => end !== undefined)
  await cluster.finish(end!)
  await cluster.close()
})

test('a callback of a global store that never settles ends the start after the task timeout, with node and record', async () => {
  const { cluster, app } = await working(capitals(), ['ann', 'stuck'], { taskTimeoutMs: 7_000 })
  await cluster.finish(
    assert.rejects(app.start(), {
      code: 'TASK_TIMEOUT',
      node: 'names-processor',
      message:
        /^Node names-processor of task 0_global has not settled on the record at offset 1 of lines-0 within 7000 ms/,
    }),
  )
  assert.equal(app.state, 'ERROR')
  await cluster.close()
})
