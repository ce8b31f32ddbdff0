import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { UsageError } from '@odradek/protocol'
import { SqliteClusterStore } from './sqlite-cluster-store.ts'

const id = '11111111-2222-4333-8444-555555555555'
const open = (folder: string) => SqliteClusterStore.openFolder(folder, () => 'a-cluster-id-of-22-char')

function withFolder(run: (folder: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'odradek-metadata-'))
    try {
      await run(folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

const usageError = (says: RegExp) => (error: unknown) => error instanceof UsageError && says.test(error.message)

test(
  'everything is there again after a restart, and the leader epoch is higher',
  withFolder(async folder => {
    const before = open(folder)
    const topic = await before.createTopic({ id, name: 't', partitions: 2, config: { 'retention.ms': '5' } })
    await before.addPartitions(id, 3)
    await before.setBrokerConfig('', { 'message.max.bytes': '7' })
    const firstId = await before.allocateProducerIds(1000)
    await before.close()

    const after = open(folder)
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
    const store = open(folder)
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

test(
  'a folder in use is refused, and free again after its holder closed',
  withFolder(async folder => {
    const first = open(folder)
    assert.throws(() => open(folder), usageError(/is in use by another broker/))
    await first.close()
    await open(folder).close()
  }),
)

test(
  'a folder of a newer format is refused and left as it was',
  withFolder(async folder => {
    await open(folder).close()
    const { DatabaseSync } = createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite')
    const db = new DatabaseSync(join(folder, 'metadata.db'))
    db.exec('PRAGMA user_version = 99')
    db.close()
    assert.throws(() => open(folder), usageError(/has format 99, and this version knows up to 1/))
  }),
)

test(
  'a file that is no database is refused',
  withFolder(folder => {
    writeFileSync(join(folder, 'metadata.db'), 'this is not a database, whatever its name says'.repeat(100))
    assert.throws(() => open(folder), usageError(/is not a readable database/))
  }),
)

test(
  'a folder that cannot be written is refused',
  { skip: process.getuid?.() === 0 && 'root may write anywhere' },
  withFolder(folder => {
    chmodSync(folder, 0o500)
    assert.throws(() => open(folder), usageError(/is not writable/))
  }),
)

test('a missing folder is refused', () => {
  assert.throws(() => open('/nowhere/at/all'), usageError(/is not writable/))
})

test('nothing about experiments is printed, and other warnings still are', () => {
  const script = `import ${JSON.stringify(import.meta.resolve('./sqlite-schema.ts'))}; process.emitWarning('something else')`
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
  assert.doesNotMatch(stderr, /SQLite/)
  assert.match(stderr, /something else/)
})
