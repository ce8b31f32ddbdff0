import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KafkaStreams } from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

const isAtRest = (...apps: KafkaStreams[]) => apps.every(app => app.state === 'RUNNING')
const countedBy = (...apps: KafkaStreams[]) =>
  apps.flatMap(app => [...app.store<string, number>('words').all()]).reduce((n, [, { value }]) => n + value, 0)
const stateful = (app: KafkaStreams) => app.tasks().filter(({ id }) => id.startsWith('1_')).length

test('an instance that dies is taken over by the one that has a copy, from where the copy is', async () => {
  const cluster = await SimulatedCluster.start(8)
  await cluster.makeTopics(2)
  const restored: string[] = []
  const options = { numStandbyReplicas: 1, commitIntervalMs: 1_000 }
  const first = cluster.instance('one', options)
  const second = cluster.instance('two', {
    ...options,
    onRestore: ({ store, restored: n }) => restored.push(`${store} ${n}`),
  })
  await cluster.finish(Promise.all([first.start(), second.start()]))
  await cluster.until(() => isAtRest(first, second) && stateful(first) === 1 && stateful(second) === 1)
  await cluster.publish(Array.from({ length: 50 }, (_, i) => `w${i} v${i}`))
  await cluster.until(() => isAtRest(first, second) && countedBy(first, second) === 100)
  await cluster.world.clock.advance(5_000)
  restored.length = 0
  cluster.world.machine('one').crash()
  const crashed = cluster.world.clock.monotonic()
  await cluster.until(() => isAtRest(second) && stateful(second) === 2)
  const took = cluster.world.clock.monotonic() - crashed
  assert.ok(took <= 12_000, `taken over after ${took} ms, with sessions of 10,000`)
  assert.equal(countedBy(second), 100)
  assert.deepEqual(restored, [], 'the copy was complete')
  await cluster.close(second)
})
