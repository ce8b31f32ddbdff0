import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

test('an instance counts what is there and what comes, and its topics are as Kafka Streams makes them', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(2)
  await cluster.publish(['a b a', 'c a'])
  const app = cluster.instance('one')
  const states: string[] = []
  app.onStateChange(state => states.push(state))
  const run = app.run()
  await cluster.finish(app.running())
  assert.deepEqual(
    app.tasks().map(({ id }) => id),
    ['0_0', '0_1', '1_0', '1_1'],
  )
  await cluster.publish(['c d'])
  await cluster.until(() => app.store<string, number>('words').size === 4)
  await cluster.until(() => app.store<string, number>('words').get('c')?.value === 2)
  await cluster.finish(app.close())
  await run
  assert.deepEqual(states, ['REBALANCING', 'RUNNING', 'PENDING_SHUTDOWN', 'NOT_RUNNING'])
  assert.deepEqual(await cluster.counts(), { last: { a: 3, b: 1, c: 2, d: 1 }, updates: 7 })
  await cluster.close()
})
