import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { diskContract } from '../contract/disk.suite.ts'
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
