import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { UsageError } from '@odradek/protocol'
import { simulatedWorld } from '@odradek/world'
import { Refusal } from '../refusal.ts'
import { EmbeddedClusterStore } from './embedded-cluster-store.ts'
import { DatabaseSync } from './node-sqlite.ts'
import { open, withFolder } from './testing/metadata-folder.ts'

const id = '11111111-2222-4333-8444-555555555555'

const usageError = (says: RegExp) => (error: unknown) => error instanceof UsageError && says.test(error.message)

test(
  'everything is there again after a restart, and the leader epoch is higher',
  withFolder(async folder => {
    const before = await open(folder)
    const topic = await before.createTopic({ id, name: 't', partitions: 2, config: { 'retention.ms': '5' } })
    await before.addPartitions(id, 3)
    await before.setBrokerConfig('', { 'message.max.bytes': '7' })
    const firstId = await before.allocateProducerIds(1000)
    await before.close()

    const after = await open(folder)
    assert.equal(after.clusterId, before.clusterId)
    assert.equal(after.leaderEpoch, before.leaderEpoch + 1)
    assert.deepEqual(after.topic('t')!.config, { 'retention.ms': '5' })
    assert.deepEqual(after.topicById(id)!.partitions.slice(0, 2), topic.partitions)
    assert.equal(after.topic('t')!.partitions.length, 3)
    assert.equal(after.partition(topic.partitions[1]!.id)!.index, 1)
    assert.deepEqual(after.brokerConfig(''), { 'message.max.bytes': '7' })
    assert.equal(await after.allocateProducerIds(1), firstId + 1000n)
    await after.close()
  }),
)

test(
  'a deleted topic is remembered until its bytes are gone, and its partition ids never come back',
  withFolder(async folder => {
    const store = await open(folder)
    const topic = await store.createTopic({ id, name: 't', partitions: 1, config: {} })
    await store.deleteTopic(id)
    assert.equal(store.topic('t'), undefined)
    assert.deepEqual(store.droppedTopics(), [id])
    await store.forgetDropped(id)
    assert.deepEqual(store.droppedTopics(), [])
    const again = await store.createTopic({ id: id.replace(/^1/, '2'), name: 't', partitions: 1, config: {} })
    assert.ok(again.partitions[0]!.id > topic.partitions[0]!.id)
    await store.close()
  }),
)

test('changes asked for at the same time see each other, one after the other', async () => {
  const store = EmbeddedClusterStore.inMemory(() => 'a-cluster-id-of-22-char')
  const [first, second] = await Promise.all([
    store.createTopic({ id, name: 't', partitions: 2, config: {} }),
    store.createTopic({ id: id.replace(/^1/, '2'), name: 'u', partitions: 2, config: {} }),
  ])
  const numbers = [...first.partitions, ...second.partitions].map(partition => partition.id)
  assert.equal(new Set(numbers).size, 4)
  const deleted = store.deleteTopic(id)
  await assert.rejects(store.addPartitions(id, 3), (error: unknown) => error instanceof Refusal)
  await deleted
  assert.equal(store.topic('t'), undefined)
})

for (const on of ['write', 'sync'] as const) {
  test(
    `a change whose ${on} fails is refused, is not there, and the next one goes through`,
    withFolder(async folder => {
      const { disk } = simulatedWorld({ seed: 1 })
      await disk.makeFolder(folder)
      const store = await open(folder, disk)
      await store.createTopic({ id, name: 't', partitions: 1, config: {} })
      disk.fail({ on, code: on === 'write' ? 'ENOSPC' : 'EIO', path: 'metadata.log' })
      const refused = (error: unknown) => error instanceof Refusal && error.retriable
      await assert.rejects(store.setTopicConfig(id, { 'retention.ms': '1' }), refused)
      assert.deepEqual(store.topic('t')!.config, {})
      await store.setTopicConfig(id, { 'retention.ms': '2' })
      await store.close()
      const lines: string[] = []
      const after = await open(folder, disk, lines)
      assert.deepEqual(after.topic('t')!.config, { 'retention.ms': '2' })
      assert.deepEqual(lines, [])
      await after.close()
    }),
  )
}

test(
  'changes asked for together share their syncs, and fail together',
  withFolder(async folder => {
    const { disk } = simulatedWorld({ seed: 1 })
    await disk.makeFolder(folder)
    const store = await open(folder, disk)
    const create = (from: number) =>
      Array.from({ length: 20 }, (_, i) => {
        const number = String(from + i)
        return store.createTopic({ id: number.padStart(8, '0') + id.slice(8), name: number, partitions: 3, config: {} })
      })
    const noted = disk.fail({ on: 'sync', code: 'EIO', path: 'metadata.log' })
    const outcomes = await Promise.allSettled(create(0))
    assert.ok(outcomes.every(each => each.status === 'rejected' && each.reason instanceof Refusal))
    assert.deepEqual([...store.topics()], [])
    noted()
    const made = await Promise.all(create(100))
    const numbers = made.flatMap(topic => topic.partitions.map(partition => partition.id))
    assert.deepEqual(
      numbers,
      Array.from({ length: 60 }, (_, i) => i + 1),
    )
    await store.close()
    const lines: string[] = []
    const after = await open(folder, disk, lines)
    assert.deepEqual([...after.topics()], made)
    assert.deepEqual(lines, [])
    await after.close()
  }),
)

test(
  'a folder in use is refused, and free again after its holder closed',
  withFolder(async folder => {
    const first = await open(folder)
    await assert.rejects(open(folder), usageError(/is in use by another broker/))
    await first.close()
    await (await open(folder)).close()
  }),
)

test(
  'a folder of a newer format is refused and left as it was',
  withFolder(async folder => {
    const db = new DatabaseSync(join(folder, 'metadata.db'))
    db.exec('CREATE TABLE anything (at_all); PRAGMA user_version = 99')
    db.close()
    await assert.rejects(open(folder), usageError(/has format 99, and this version knows up to 2/))
  }),
)

test(
  'a file that is no database, with nothing beside it, is refused',
  withFolder(async folder => {
    writeFileSync(join(folder, 'metadata.db'), 'this is not a database, whatever its name says'.repeat(100))
    await assert.rejects(open(folder), usageError(/is not a readable database/))
  }),
)

test(
  'a folder that cannot be written is refused',
  { skip: process.getuid?.() === 0 && 'root may write anywhere' },
  withFolder(async folder => {
    chmodSync(folder, 0o500)
    await assert.rejects(open(folder), usageError(/is not writable/))
  }),
)

test('a missing folder is refused', async () => {
  await assert.rejects(open('/nowhere/at/all'), usageError(/is not writable/))
})

test('nothing about experiments is printed, and other warnings still are', () => {
  const script = `import ${JSON.stringify(import.meta.resolve('./node-sqlite.ts'))}; process.emitWarning('something else')`
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
  assert.doesNotMatch(stderr, /SQLite/)
  assert.match(stderr, /something else/)
})
