/** Two copies of the metadata, and what a start makes of harm to one of them, or both. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { EmbeddedClusterStore } from './embedded-cluster-store.ts'
import { readMetadataLog } from './metadata-log.ts'
import { DatabaseSync } from './node-sqlite.ts'
import { open, withFolder } from './testing/metadata-folder.ts'

const uuid = (i: number) => `${String(i).padStart(8, '0')}-2222-4333-8444-555555555555`

/** Topics with settings, one of them deleted; the highest producer id that was given away. */
async function filled(folder: string, topics = 30): Promise<{ store: EmbeddedClusterStore; ids: bigint }> {
  const store = await open(folder)
  for (let i = 0; i < topics; i++) {
    const config = i % 3 === 0 ? { 'retention.ms': `${i}`, 'cleanup.policy': 'compact' } : {}
    await store.createTopic({ id: uuid(i), name: `topic-${i}`, partitions: 1 + (i % 4), config })
  }
  await store.deleteTopic(uuid(1))
  await store.setBrokerConfig('', { 'message.max.bytes': '77777' })
  const ids = (await store.allocateProducerIds(1000)) + 999n
  return { store, ids }
}

const contentOf = (store: EmbeddedClusterStore) => ({
  clusterId: store.clusterId,
  topics: [...store.topics()].sort((a, b) => (a.id < b.id ? -1 : 1)),
  dropped: store.droppedTopics(),
  config: store.brokerConfig(''),
})

/** The copy of a folder is harmed; what is there then must be what was there, and no number is given twice. */
async function survives(folder: string, before: EmbeddedClusterStore, ids: bigint, harm: (copy: string) => void) {
  const copy = join(folder, 'copy')
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy)
  for (const name of readdirSync(folder)) if (name !== 'copy') copyFileSync(join(folder, name), join(copy, name))
  harm(copy)
  const lines: string[] = []
  const after = await open(copy, undefined, lines)
  assert.deepEqual(contentOf(after), contentOf(before), lines.join())
  assert.ok(after.leaderEpoch > before.leaderEpoch)
  assert.ok((await after.allocateProducerIds(1)) > ids)
  await after.createTopic({ id: uuid(999), name: 'another', partitions: 1, config: {} })
  await after.close()
  const quiet: string[] = []
  await (await open(copy, undefined, quiet)).close()
  assert.deepEqual(quiet, [], 'the next start finds everything in order')
  return lines
}

test(
  'a folder in the place of either copy, or of the journal of one, changes nothing',
  withFolder(async folder => {
    const { store, ids } = await filled(folder)
    await store.close()
    for (const name of ['metadata.db', 'metadata.log', 'metadata.db-journal']) {
      const lines = await survives(folder, store, ids, copy => {
        rmSync(join(copy, name), { force: true })
        mkdirSync(join(copy, name, 'within'), { recursive: true })
      })
      assert.match(
        lines.join(),
        name === 'metadata.db' ? /a folder of this name is in its place/ : /a folder that is in/,
      )
    }
  }),
)

test(
  'one flipped bit in either copy changes nothing',
  withFolder(async folder => {
    const { store, ids } = await filled(folder)
    await store.close()
    let said = 0
    for (const name of ['metadata.db', 'metadata.log']) {
      const bits = readFileSync(join(folder, name)).length * 8
      for (let i = 0; i < 10; i++) {
        const bit = Math.floor(((i + 0.37) * bits) / 10)
        const lines = await survives(folder, store, ids, copy => flip(join(copy, name), bit))
        if (lines.length > 0) said++
        else assert.equal(name, 'metadata.db', 'each bit of the log means something')
      }
    }
    assert.ok(said > 10)
  }),
)

test(
  'either copy may be missing, empty, cut, nonsense, or old',
  withFolder(async folder => {
    const { store, ids } = await filled(folder, 5)
    await store.close()
    const old = { log: readFileSync(join(folder, 'metadata.log')), db: readFileSync(join(folder, 'metadata.db')) }
    const later = await open(folder)
    await later.createTopic({ id: uuid(50), name: 'later', partitions: 1, config: {} })
    await later.close()
    const harms: Record<string, (path: string) => void> = {
      missing: path => rmSync(path),
      empty: path => truncateSync(path, 0),
      cut: path => truncateSync(path, readFileSync(path).length >> 1),
      nonsense: path => writeFileSync(path, 'nonsense '.repeat(500)),
      old: path => writeFileSync(path, path.endsWith('.log') ? old.log : old.db),
    }
    for (const name of ['metadata.db', 'metadata.log']) {
      for (const [how, harm] of Object.entries(harms)) {
        const lines = await survives(folder, later, ids, copy => harm(join(copy, name)))
        assert.ok(lines.length > 0, `${name} ${how}: nothing was said`)
      }
    }
  }),
)

for (const change of [
  `UPDATE topic SET name = 'topik-3' WHERE name = 'topic-3'`,
  `UPDATE topic_config SET value = '4' WHERE value = '3'`,
  `DELETE FROM broker_config`,
  `DELETE FROM partition WHERE "index" = 1`,
  `INSERT INTO dropped_topic VALUES ('${uuid(7)}')`,
  `UPDATE cluster SET value = value - 1 WHERE name = 'next_producer_id'`,
  `UPDATE cluster SET value = value + 1 WHERE name = 'revision'`,
]) {
  test(
    `a database in good order that says something else is noticed: ${change}`,
    withFolder(async folder => {
      const { store, ids } = await filled(folder, 5)
      await store.close()
      const lines = await survives(folder, store, ids, copy => {
        const db = new DatabaseSync(join(copy, 'metadata.db'))
        assert.ok(Number(db.prepare(change).run().changes) > 0)
        db.close()
      })
      assert.match(lines.join(), /metadata\.db is damaged: its content does not match its checksum/)
    }),
  )
}

test(
  'producer ids and epochs do not come back when the line that gave them is lost',
  withFolder(async folder => {
    const { store, ids } = await filled(folder, 2)
    await store.close()
    const log = readFileSync(join(folder, 'metadata.log'))
    rmSync(join(folder, 'metadata.db'))
    const lastLine = log.lastIndexOf(10, log.length - 2) + 1
    for (const harmed of [log.subarray(0, lastLine), log.subarray(0, log.length - 3), log.with(lastLine + 20, 0)]) {
      writeFileSync(join(folder, 'metadata.log'), harmed)
      const after = await open(folder)
      assert.ok((await after.allocateProducerIds(1)) > ids)
      assert.ok(after.leaderEpoch > store.leaderEpoch)
      await after.close()
      for (const name of readdirSync(folder)) rmSync(join(folder, name))
    }
  }),
)

test(
  'a change that the database refuses is in neither copy',
  withFolder(async folder => {
    const { store, ids } = await filled(folder, 2)
    const before = readFileSync(join(folder, 'metadata.log'))
    await assert.rejects(store.createTopic({ id: uuid(40), name: 'topic-0', partitions: 1, config: {} }), /UNIQUE/)
    assert.deepEqual(readFileSync(join(folder, 'metadata.log')), before)
    await store.createTopic({ id: uuid(41), name: 'topic-41', partitions: 1, config: {} })
    await store.close()
    assert.deepEqual(await survives(folder, store, ids, () => undefined), [])
  }),
)

test(
  'a change that only the log has, since a crash came between, is taken over',
  withFolder(async folder => {
    const { store, ids } = await filled(folder, 3)
    await store.close()
    const before = readFileSync(join(folder, 'metadata.db'))
    const later = await open(folder)
    await later.close()
    const lines = await survives(folder, later, ids, copy => writeFileSync(join(copy, 'metadata.db'), before))
    assert.deepEqual(lines, [])
  }),
)

test(
  'when both are damaged, what is left of both and of the folders is put together, and no number comes back',
  withFolder(async folder => {
    const { store, ids } = await filled(folder, 3)
    await store.close()
    mkdirSync(join(folder, 'found-2'))
    const owner = 'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\n'
    writeFileSync(join(folder, 'found-2', 'partition.metadata'), owner)
    writeFileSync(join(folder, 'metadata.db'), 'nonsense '.repeat(500))
    const log = readFileSync(join(folder, 'metadata.log'))
    log[log.lastIndexOf('topic-2') + 1]! ^= 4
    writeFileSync(join(folder, 'metadata.log'), log)
    const lines: string[] = []
    const after = await open(folder, undefined, lines)
    assert.match(lines.join('\n'), /metadata\.db is damaged.*metadata\.log is damaged/)
    assert.deepEqual(
      [...after.topics()].map(topic => `${topic.name}:${topic.partitions.length}`),
      ['topic-0:1', 'found:3'],
    )
    const safe = { 'cleanup.policy': 'delete', 'retention.bytes': '-1', 'retention.ms': '-1' }
    assert.deepEqual({ ...after.topic('found')!.config }, safe, 'nothing of it is deleted by a default')
    assert.equal(after.topic('topic-0')!.config['retention.ms'], '0', 'settings that are known stay')
    assert.match(lines.join('\n'), /the settings of found are lost.*odradek topic alter/)
    assert.equal(after.clusterId, store.clusterId)
    assert.ok(after.leaderEpoch > store.leaderEpoch)
    assert.ok((await after.allocateProducerIds(1)) > ids)
    await after.close()
  }),
)

test(
  'a folder of format 1 is brought up to date',
  withFolder(async folder => {
    const db = new DatabaseSync(join(folder, 'metadata.db'))
    db.exec(`
      CREATE TABLE cluster (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
      CREATE TABLE topic (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE) WITHOUT ROWID;
      CREATE TABLE partition (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, "index" INTEGER NOT NULL, UNIQUE (topic, "index"));
      CREATE TABLE topic_config (topic TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (topic, name)) WITHOUT ROWID;
      CREATE TABLE broker_config (node TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (node, name)) WITHOUT ROWID;
      CREATE TABLE dropped_topic (id TEXT PRIMARY KEY) WITHOUT ROWID;
      INSERT INTO cluster VALUES ('cluster_id', 'a-cluster-id-of-22-chr'), ('leader_epoch', 7), ('next_producer_id', '3000');
      INSERT INTO topic VALUES ('${uuid(1)}', 'orders');
      INSERT INTO partition (topic, "index") VALUES ('${uuid(1)}', 0), ('gone', 0);
      DELETE FROM partition WHERE topic = 'gone';
      PRAGMA user_version = 1`)
    db.close()
    for (const epoch of [8, 9]) {
      const lines: string[] = []
      const store = await open(folder, undefined, lines)
      assert.deepEqual(lines, [])
      assert.deepEqual([store.clusterId, store.leaderEpoch], ['a-cluster-id-of-22-chr', epoch])
      assert.equal(store.topic('orders')!.partitions.length, 1)
      if (epoch === 9) {
        assert.equal(await store.allocateProducerIds(1), 3000n)
        const topic = await store.createTopic({ id: uuid(2), name: 'new', partitions: 1, config: {} })
        assert.equal(topic.partitions[0]!.id, 3, 'numbers of partitions that are gone do not come back')
      }
      await store.close()
    }
  }),
)

test(
  'no cut and no flipped bit of the log passes for the whole, and what is read of a cut one is its beginning',
  withFolder(async folder => {
    const { store } = await filled(folder, 4)
    await store.close()
    const bytes = readFileSync(join(folder, 'metadata.log'))
    const whole = readMetadataLog(bytes)
    assert.equal(whole.state, 'whole')
    for (let bit = 0; bit < bytes.length * 8; bit += 3) {
      const { state, image } = readMetadataLog(bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7))))
      assert.notEqual(state, 'whole')
      assert.notEqual(state, 'newer')
      for (const [id, topic] of image.table('topic')) assert.equal(topic.name, `topic-${Number(id.slice(0, 8))}`)
    }
    for (let length = 0; length < bytes.length; length++) {
      const { state, image } = readMetadataLog(bytes.subarray(0, length))
      const isBoundary = length > 0 && bytes[length - 1] === 10 && state === 'whole'
      assert.ok(isBoundary ? image.revision <= whole.image.revision : state !== 'whole')
    }
  }),
)

function flip(path: string, bit: number): void {
  const bytes = readFileSync(path)
  bytes[bit >> 3]! ^= 1 << (bit & 7)
  writeFileSync(path, bytes)
}
