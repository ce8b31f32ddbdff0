import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realClock as clock, type Disk, memoryDisk } from '@odradek/world'
import { contentOf, dataFolder, folderWith, put } from '../testing/data-folders.ts'
import { backUpFolder } from './backup.ts'
import { aroundBadSectors } from './bad-sectors.ts'
import { repairFolder } from './repair.ts'
import { verifyFolder } from './verify.ts'

const orders = `${dataFolder}/orders-0`
const first = `${orders}/00000000000000000000.log`
const topics = () => ({ name: 'orders', compacted: false })

/** Reads that touch the sector of 4096 bytes fail, as long as the file is the one that has it. */
function badSector(disk: Disk, path: string, sector: number): Disk {
  const eio = () => Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
  const isHit = (from: number, length: number) => from < (sector + 1) * 4096 && from + length > sector * 4096
  let isThere = true
  const open: Disk['open'] = async (name, mode) => {
    const file = await disk.open(name, mode)
    if (name !== path || !isThere) return file
    return new Proxy(file, {
      get: (_, property) => {
        if (property === 'read')
          return (position: number, length: number) =>
            isHit(position, length) ? Promise.reject(eio()) : file.read(position, length)
        const value = Reflect.get(file, property, file)
        return typeof value === 'function' ? value.bind(file) : value
      },
    })
  }
  return new Proxy(disk, {
    get: (_, property) => {
      if (property === 'open') return open
      if (property === 'readFile')
        return (name: string) => (name === path && isThere ? Promise.reject(eio()) : disk.readFile(name))
      if (property === 'rename')
        return (from: string, to: string) => {
          if (to === path) isThere = false // another file has the name now
          return disk.rename(from, to)
        }
      const value = Reflect.get(disk, property, disk)
      return typeof value === 'function' ? value.bind(disk) : value
    },
  })
}

test('a block that cannot be read is zeroes, and told once; all others are what they are', async () => {
  const disk = memoryDisk()
  await put(disk, '/file', Buffer.alloc(10_000, 7))
  const told: [string, number][] = []
  const careful = aroundBadSectors(badSector(disk, '/file', 1), (path, byte) => told.push([path, byte]))
  const file = await careful.open('/file', 'read')
  const bytes = await file.read(100, 9_500)
  assert.equal(bytes.length, 9_500)
  assert.equal(bytes.indexOf(0), 4096 - 100)
  assert.equal(bytes.filter(byte => byte === 0).length, 4096)
  assert.equal((await careful.readFile('/file')).filter(byte => byte === 7).length, 10_000 - 4096)
  assert.deepEqual(told, [['/file', 4096]])
})

test('with a bad sector in a segment verify, backup and repair name the file, and do the rest', async () => {
  const config = { segmentBytes: 30_000 }
  const disk = await folderWith({ batches: 200, config })
  await backUpFolder({ disk, clock, folder: dataFolder, backup: '/backup', copy: true })
  const whole = await contentOf(disk)
  const bad = badSector(disk, first, 2)
  const { findings, partitions } = await verifyFolder({ disk: bad, folder: dataFolder, topics })
  assert.equal(partitions.length, 2)
  const codes = findings.map(({ code }) => code)
  assert.ok(codes.includes('unreadable') && codes.includes('segment-damaged'), codes.join())
  assert.ok(findings.every(({ file }) => file === 'orders-0/00000000000000000000.log'))
  const said: string[] = []
  const { isDamaged, manifest } = await backUpFolder({
    ...{ disk: bad, clock, folder: dataFolder, backup: '/backup', copy: true },
    say: remark => said.push(remark),
  })
  assert.ok(isDamaged)
  assert.equal(manifest.partitions.length, 2)
  assert.match(said.join(), /000\.log cannot be read at byte 8192.*which had it whole: the backup keeps that/)
  const { left } = await repairFolder({
    disk: bad,
    clock,
    folder: dataFolder,
    aside: '/aside',
    from: '/backup',
    topics,
  })
  assert.deepEqual(left, [])
  assert.equal((await contentOf(disk)).get(first), whole.get(first))
})

test('each small file on a bad sector, or a folder in its place, is one finding, and the others are looked at', async () => {
  const names = [...(await contentOf(await folderWith()))].map(([path]) => path)
  for (const path of names.filter(name => !name.endsWith('clean-shutdown'))) {
    for (const how of ['sector', 'folder'] as const) {
      const disk = await folderWith()
      if (how === 'folder') {
        if (path.includes('/journal/') || path.endsWith('.log')) continue
        await disk.remove(path)
        await disk.makeFolder(path)
      }
      const looked = how === 'folder' ? disk : badSector(disk, path, 0)
      const { findings, partitions } = await verifyFolder({ disk: looked, folder: dataFolder, topics })
      const file = path.slice(dataFolder.length + 1)
      assert.ok(
        findings.some(finding => finding.file === file && finding.code === 'unreadable'),
        `${file} ${how}: ${JSON.stringify(findings)}`,
      )
      assert.equal(partitions.length, 2)
    }
  }
})

test('a file in the place of the journal is damage, and everything else is looked at', async () => {
  const disk = await folderWith()
  await disk.remove(`${dataFolder}/journal`)
  await put(disk, `${dataFolder}/journal`, Buffer.from('a file'))
  const { findings, partitions } = await verifyFolder({ disk, folder: dataFolder, topics })
  assert.deepEqual(
    findings.map(({ file, code }) => [file, code]),
    [['journal', 'journal-damaged']],
  )
  assert.equal(partitions.length, 2)
})
