/** Consumers whose only broker stops and comes back: they go on where they were, in the same generation. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Broker } from '@odradek/broker'
import { realWorld } from '@odradek/world'
import { Kafka } from '../kafka.ts'

test('a consumer goes on after its broker has restarted, without a rebalance, and misses and repeats nothing', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-restart-'))
  const world = realWorld()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const config = { 'group.initial.rebalance.delay.ms': '0' }
  const start = (port: number) => Broker.start({ world, listen: { host: '127.0.0.1', port }, data: { folder }, config })
  let broker = await start(0)
  const { bootstrap } = broker
  const port = Number(bootstrap.split(':')[1])
  await using kafka = new Kafka({ brokers: bootstrap, retryTimeoutMs: 20_000 })
  await kafka.admin().topics.create({ name: 't', partitions: 2 })
  const producer = kafka.producer()
  const consumer = kafka.consumer({
    group: 'g',
    topics: ['t'],
    from: 'earliest',
    commit: { every: 50 },
    heartbeatIntervalMs: 200,
  })
  const seen: string[] = []
  let arrived = Promise.withResolvers<void>()
  const loop = (async () => {
    for await (const { value } of consumer) {
      seen.push(Buffer.from(value!).toString())
      if (seen.length % 100 === 0) arrived.resolve()
    }
  })()
  const generations: number[] = []
  for (let round = 0; round < 3; round++) {
    arrived = Promise.withResolvers<void>()
    const values = Array.from({ length: 100 }, (_, i) => `${round * 100 + i}`)
    await Promise.all(values.map(value => producer.send('t', { key: value, value })))
    await Promise.race([arrived.promise, loop])
    generations.push(consumer.engine.membership().generation)
    if (round === 2) break
    await broker.close({ drain: false })
    broker = await start(port)
  }
  await consumer.close()
  await loop
  await kafka.close()
  await broker.close({ drain: false })
  const expected = Array.from({ length: 300 }, (_, i) => `${i}`)
  assert.deepEqual(seen.toSorted(), expected.toSorted())
  assert.deepEqual(generations, [1, 1, 1])
})
