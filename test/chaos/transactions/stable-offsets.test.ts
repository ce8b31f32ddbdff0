/** An open transaction holds up readers of committed records, which is seen and timed; when it has ended, nothing is undecided. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testCluster } from '../../../packages/client/src/testing/test-cluster.ts'
import { StableOffsets } from './stable-offsets.ts'

test('while a transaction is open its partition is undecided, and the time is counted, also since a start', async () => {
  await using cluster = await testCluster()
  const kafka = cluster.kafka()
  const topic = cluster.name('t')
  await kafka.admin().topics.create({ name: topic, partitions: 2 })
  await using producer = kafka.producer({ transactionalId: cluster.name('tx') })
  await using stable = new StableOffsets(kafka, topic, 2)
  const opened = performance.now()
  await producer.transaction(async tx => {
    await tx.send(topic, { value: 'x', partition: 1 })
    await until(() => stable.longestMs > 300)
    assert.equal(stable.undecided, 1)
    stable.brokerStarted()
    await until(() => stable.longestMs > 800)
    assert.ok(stable.longestSinceStartMs < stable.longestMs - 200)
  })
  await stable.settled(5_000)
  assert.equal(stable.undecided, 0)
  assert.ok(stable.longestMs <= performance.now() - opened + 300)
})

async function until(isSo: () => boolean): Promise<void> {
  for (const limit = performance.now() + 10_000; !isSo(); ) {
    assert.ok(performance.now() < limit, 'it did not come to pass within ten seconds')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
