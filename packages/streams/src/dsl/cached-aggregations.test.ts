import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { type KTable, StreamsBuilder, session, sliding, tumbling, windowedSerde } from '../index.ts'
import { noHeaders } from '../record.ts'
import { type CacheBudget, cacheBudget } from '../state/state-store.ts'
import type { OutgoingRecord } from '../task/collector.ts'
import { TaskGraph } from '../task/task-graph.ts'
import { texts } from '../testing/answers.ts'

type Write = (builder: StreamsBuilder) => KTable<any, any>

const grouped = (builder: StreamsBuilder) => builder.stream('in', texts).groupByKey()
const windowed: Record<string, Write> = {
  tumbling: builder =>
    grouped(builder)
      .windowedBy(tumbling({ size: 10, grace: 20 }))
      .count(),
  sliding: builder =>
    grouped(builder)
      .windowedBy(sliding({ difference: 6, grace: 20 }))
      .count(),
  sessions: builder =>
    grouped(builder)
      .windowedBy(session({ gap: 4, grace: 20 }))
      .count(),
}

/** Everything that a task writes for the same records, with a cache or without. */
async function written(write: Write, cache: CacheBudget | null) {
  const builder = new StreamsBuilder()
  write(builder).toStream().to('out')
  const subtopology = builder.build().subtopologies()[0]!
  const sent: OutgoingRecord[] = []
  const place = { taskId: '0_0', log: () => {}, disk: null, defaultKind: 'memory', cache } as const
  let graph: TaskGraph
  const current = () => graph.current
  const stores = new Map(subtopology.stores.map(spec => [spec.name, spec.make({ ...place, current })]))
  graph = new TaskGraph({
    subtopology,
    stores,
    taskId: '0_0',
    applicationId: 'app',
    collector: { send: record => void sent.push(record), partitionsOf: () => 1 },
    host: {
      streamTime: 0,
      systemTime: 0,
      schedule: () => ({ cancel: () => {} }),
      requestCommit: () => {},
      dropped: () => {},
      progress: new Map(),
    },
  })
  let time = 0
  for (let at = 0; at < 400; at++) {
    time += (at * 7) % 4
    const key = Buffer.from('abc'[(at * 5) % 3]!)
    const timestamp = Math.max(0, time - ((at * 11) % 9))
    await graph.process({ key, value: key, timestamp, headers: noHeaders }, { topic: 'in', partition: 0, offset: at })
    if (at % 50 === 49) for (const store of stores.values()) await store.flush?.()
  }
  const table = new Map(
    sent.map(({ key, value }) => [
      Buffer.from(key!).toString('hex'),
      value && Number(serde.int64.deserialize(value, { topic: 'out', part: 'value' })),
    ]),
  )
  return { table: new Map([...table].filter(([, count]) => count !== null).sort()), records: sent.length }
}

for (const [title, write] of Object.entries(windowed))
  test(`a cache takes in-between results away, never the last one: ${title} (streams facts 2.18)`, async () => {
    const plain = await written(write, null)
    const cached = await written(write, cacheBudget(100_000))
    assert.deepEqual(cached.table, plain.table)
    assert.ok(cached.records < plain.records, `${cached.records} of ${plain.records}`)
    assert.ok(plain.table.size > 20)
  })

test('results that come once are not held back by a cache (streams facts 2.19)', async () => {
  const write: Write = builder =>
    grouped(builder)
      .windowedBy(tumbling({ size: 10, grace: 5 }))
      .emitStrategy('on-window-close')
      .count()
  const plain = await written(write, null)
  const cached = await written(write, cacheBudget(100_000))
  assert.deepEqual(cached, plain)
  const key = windowedSerde
    .time(serde.string, 10)
    .serialize({ key: 'a', start: 0, end: 10 }, { topic: 'out', part: 'key' })
  assert.ok(plain.table.has(Buffer.from(key).toString('hex')))
})
