import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { realDisk } from '@odradek/world'
import { Broker } from '../broker.ts'
import {
  examineDatabase,
  isInUse,
  lockFolder,
  metadataForRestore,
  metadataLogName,
  metadataLogRows,
  readMetadata,
} from './metadata-at-rest.ts'

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-at-rest-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const isInUseElsewhere = (folder: string): boolean => {
  const module = fileURLToPath(new URL('./metadata-at-rest.ts', import.meta.url))
  const script = `import { isInUse } from ${JSON.stringify(module)}; process.exit(isInUse(${JSON.stringify(folder)}) ? 7 : 0)`
  return spawnSync(process.execPath, ['--input-type=module', '--eval', script]).status === 7
}

test('a folder is in use while a broker runs on it, and while it is locked', async t => {
  const folder = newFolder(t)
  const broker = await Broker.start({ data: { folder } })
  assert.equal(isInUseElsewhere(folder), true)
  await assert.rejects(lockFolder(realDisk, folder), /in use by another broker/)
  await broker.close()
  assert.equal(isInUseElsewhere(folder), false)
  const release = await lockFolder(realDisk, folder)
  assert.equal(isInUseElsewhere(folder), true)
  await assert.rejects(Broker.start({ data: { folder } }), /in use/)
  release()
  writeFileSync(join(folder, 'metadata.db'), 'no database'.repeat(100))
  assert.equal(isInUse(folder), false)
  ;(await lockFolder(realDisk, folder))()
})

test('a restored log says the same of topics, and passes over numbers that may have been given since', async t => {
  const [folder, restored] = [newFolder(t), newFolder(t)]
  const broker = await Broker.start({ data: { folder } })
  const { clusterId } = broker
  await broker.close()
  const before = await readMetadata(realDisk, folder)
  assert.deepEqual([before.state, before.clusterId, before.leaderEpoch], ['whole', clusterId, 1])
  writeFileSync(join(restored, metadataLogName), metadataForRestore(readFileSync(join(folder, metadataLogName))))
  const after = await readMetadata(realDisk, restored)
  assert.deepEqual([after.state, after.clusterId, after.leaderEpoch], ['whole', clusterId, 1001])
  const again = await Broker.start({ data: { folder: restored } })
  assert.equal(again.clusterId, clusterId)
  await again.close()
  assert.equal((await readMetadata(realDisk, newFolder(t))).state, 'missing')
})

test('the database is looked at as a start does, and nothing is changed; of two damaged copies it says what is left', async t => {
  const folder = newFolder(t)
  const broker = await Broker.start({ data: { folder } })
  await broker.close()
  const [database, log] = ['metadata.db', metadataLogName].map(name => join(folder, name)) as [string, string]
  const harm = (path: string) => {
    const bytes = readFileSync(path)
    bytes.fill(0x55, 100, Math.min(bytes.length, 8000))
    writeFileSync(path, bytes)
  }
  assert.deepEqual(await examineDatabase(realDisk, folder), { state: 'whole', remarks: [], salvage: undefined })
  harm(database)
  const [names, bytes] = [readdirSync(folder), readFileSync(database)]
  const one = await examineDatabase(realDisk, folder)
  assert.deepEqual([one.state, one.salvage], ['damaged', undefined])
  assert.match(one.remarks[0]!, /metadata\.db is damaged: .*made again from metadata\.log/)
  assert.deepEqual([readdirSync(folder), readFileSync(database)], [names, bytes])
  harm(log)
  const both = await examineDatabase(realDisk, folder)
  assert.match(both.remarks[0]!, /what is left of both is put together/)
  assert.deepEqual(both.salvage, { topics: [], withoutSettings: [] })
  writeFileSync(`${database}-journal`, Uint8Array.of(0xd9, 0xd5, 5, 0xf9))
  assert.equal((await examineDatabase(realDisk, folder)).state, 'unfinished')
})

test('lines of the log are rows: what they change, and which are damaged', async t => {
  const folder = newFolder(t)
  await (await Broker.start({ data: { folder } })).close()
  const bytes = readFileSync(join(folder, metadataLogName))
  const rows = [...metadataLogRows(bytes)]
  assert.ok(rows.some(row => 'key' in row && row.key === 'cluster_id' && row.table === 'cluster'))
  bytes[12]! ^= 1
  assert.deepEqual([...metadataLogRows(bytes)][0], { line: 1, state: 'damaged' })
})
