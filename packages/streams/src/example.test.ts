import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Broker } from '@odradek/broker'
import { Kafka, serde, topic } from '@odradek/client'
import { realWorld } from '@odradek/world'

const example = fileURLToPath(new URL('../../../examples/word-count.ts', import.meta.url))
const input = topic('streams-plaintext-input', { key: serde.string, value: serde.string })
const output = topic('streams-wordcount-output', { key: serde.string, value: serde.int64 })

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`examples/word-count.ts counts words until ${signal}, and then ends well`, () => countsUntil(signal))

async function countsUntil(signal: 'SIGINT' | 'SIGTERM') {
  await using broker = await Broker.start({
    world: realWorld(),
    listen: { host: '127.0.0.1', port: 0 },
    data: { memory: true },
    config: { 'group.initial.rebalance.delay.ms': '0' },
  })
  await using kafka = new Kafka({ brokers: broker.bootstrap })
  await kafka.admin().topics.create([input, output].map(({ name }) => ({ name, partitions: 1 })))
  const child = spawn(process.execPath, [example, broker.bootstrap], { stdio: ['ignore', 'inherit', 'inherit'] })
  const exit = once(child, 'exit')
  try {
    await kafka.producer().sendAll(input, [{ value: 'All streams lead to Kafka' }, { value: 'Hello Kafka streams' }])
    const counts: string[] = []
    await using consumer = kafka.consumer({ topics: [output], group: 'watcher', from: 'earliest' })
    const ended = exit.then(([code]) => assert.fail(`the example ended with ${code} before it had counted`))
    const watching = (async () => {
      for await (const { key, value } of consumer) {
        counts.push(`${key} ${value}`)
        if (counts.length === 8) return
      }
    })()
    await Promise.race([watching, ended])
    ended.catch(() => {})
    assert.deepEqual(counts, ['all 1', 'streams 1', 'lead 1', 'to 1', 'kafka 1', 'hello 1', 'kafka 2', 'streams 2'])
  } finally {
    child.kill(signal)
  }
  assert.deepEqual(await exit, [0, null])
}
