import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { diskContract } from '../contract/disk.suite.ts'
import { realDisk } from './disk.ts'

const made: string[] = []
after(() => Promise.all(made.map(folder => rm(folder, { recursive: true }))))

diskContract('the file system', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-world-'))
  made.push(folder)
  return { disk: realDisk, folder }
})
