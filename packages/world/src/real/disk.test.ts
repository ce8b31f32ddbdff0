import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { diskContract } from '../contract/disk.suite.ts'
import type { DiskFile } from '../disk.ts'
import { blockingDisk, realDisk } from './disk.ts'

const made: string[] = []
after(() => Promise.all(made.map(folder => rm(folder, { recursive: true }))))

for (const [name, disk] of [
  ['the file system', realDisk],
  ['the file system of a thread that waits', blockingDisk],
] as const) {
  diskContract(name, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'odradek-world-'))
    made.push(folder)
    return { disk, folder }
  })
}

test('a folder that cannot be made fails, with what the system says', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-world-'))
  made.push(folder)
  await writeFile(join(folder, 'file'), '')
  await assert.rejects(realDisk.makeFolder(join(folder, 'file')), { code: 'EEXIST' })
  await assert.rejects(realDisk.makeFolder(join(folder, 'file/a/b')), { code: 'ENOTDIR' })
})

test('a folder that takes no folders fails instead of asking for ever', { skip: process.platform !== 'linux' }, () =>
  assert.rejects(realDisk.makeFolder('/proc/odradek/data'), { code: 'ENOENT' }),
)

for (const [name, disk, isInPool] of [
  ['takes a turn in the pool', realDisk, true],
  ['is done in place on a thread that waits', blockingDisk, false],
] as const) {
  const skip = process.platform !== 'linux' && 'elsewhere an open file may keep its name'
  test(`closing a large file whose last name is gone ${name}`, { skip }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'odradek-world-'))
    made.push(folder)
    const path = join(folder, 'file')
    await writeFile(path, Buffer.alloc(3 * 1024 * 1024))
    assert(await isSoonClosed(await disk.open(path, 'read')))
    const nameless = await disk.open(path, 'existing')
    await rm(path)
    assert.equal(await isSoonClosed(nameless), !isInPool)
  })
}

/** Without a turn of the event loop. */
async function isSoonClosed(file: DiskFile): Promise<boolean> {
  let isClosed = false
  const closing = file.close().then(() => {
    isClosed = true
  })
  for (let i = 0; i < 20; i++) await undefined
  const wasClosed = isClosed
  await closing
  return wasClosed
}
