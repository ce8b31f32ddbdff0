/** New partitions that cannot be opened at first. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogEngine } from '@odradek/log'
import { ErrorCodes } from '@odradek/protocol'
import { simulatedWorld } from '@odradek/world'
import { EmbeddedClusterStore } from './cluster-store/embedded-cluster-store.ts'
import { BrokerConfig } from './config/broker-config.ts'
import { quiet } from './logger.ts'
import { Refusal } from './refusal.ts'
import { Topics } from './topics.ts'

/** Topics over an engine that opens partitions while it has descriptors. */
function withoutDescriptors() {
  const { clock, random } = simulatedWorld({ seed: 1 })
  const cluster = EmbeddedClusterStore.inMemory(() => 'a-cluster-id-of-22-char')
  const opened = new Set<number>()
  const state = { hasDescriptors: true, canDrop: true, tries: 0 }
  const engine: Pick<LogEngine, 'open' | 'drop'> = {
    async open({ partitions }) {
      state.tries++
      for (const { index } of partitions) {
        if (!opened.has(index) && !state.hasDescriptors) throw new Error('EMFILE: too many open files')
        opened.add(index)
      }
    },
    async drop() {
      if (!state.canDrop) throw new Error('EACCES: permission denied')
      opened.clear()
    },
  }
  const topics = new Topics({
    ...{ cluster, clock, random, logger: quiet, config: new BrokerConfig() },
    engine: engine as LogEngine,
  })
  return { topics, cluster, clock, opened, state }
}

const cannotOpen = (error: unknown) =>
  error instanceof Refusal && error.errorCode === ErrorCodes.KAFKA_STORAGE_ERROR && /EMFILE/.test(error.message)

test('new partitions that cannot be opened are opened later, and whoever asked is told', async () => {
  const { topics, clock, opened, state } = withoutDescriptors()
  const topic = await topics.create({ name: 't', partitions: 1, config: {} })
  state.hasDescriptors = false
  await assert.rejects(topics.addPartitions(topic, 3), cannotOpen)
  await clock.advance(2500)
  assert.deepEqual([...opened], [0])
  state.hasDescriptors = true
  await clock.advance(1000)
  assert.deepEqual([...opened], [0, 1, 2])
  const { tries } = state
  await clock.advance(10_000)
  assert.equal(state.tries, tries)
})

test('partitions of a deleted topic, or of a broker that closes, are not opened later', async () => {
  for (const end of ['delete', 'close']) {
    const { topics, cluster, clock, opened, state } = withoutDescriptors()
    const topic = await topics.create({ name: 't', partitions: 1, config: {} })
    state.hasDescriptors = false
    await assert.rejects(topics.addPartitions(topic, 2), cannotOpen)
    if (end === 'delete') await topics.delete(cluster.topic('t')!)
    else topics.close()
    state.hasDescriptors = true
    await clock.advance(5000)
    assert.ok(!opened.has(1), end)
  }
})

test('at start, what cannot be opened or removed yet stops nobody', async () => {
  const { topics, cluster, clock, opened, state } = withoutDescriptors()
  await cluster.createTopic({ id: '11111111-2222-4333-8444-555555555555', name: 'gone', partitions: 1, config: {} })
  await cluster.deleteTopic('11111111-2222-4333-8444-555555555555')
  await cluster.createTopic({ id: '21111111-2222-4333-8444-555555555555', name: 't', partitions: 2, config: {} })
  state.hasDescriptors = false
  state.canDrop = false
  await topics.openAll()
  assert.deepEqual(cluster.droppedTopics(), ['11111111-2222-4333-8444-555555555555'], 'the next start tries again')
  state.hasDescriptors = true
  await clock.advance(1000)
  assert.deepEqual([...opened], [0, 1])
})
