import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { realDisk } from '@odradek/world'
import { Broker } from '../broker.ts'
import { isInUse, lockFolder, metadataForRestore, metadataLogName, readMetadata } from './metadata-at-rest.ts'

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
