import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { memoryDisk } from '@odradek/world'
import { OpenFiles } from './open-files.ts'

test('the least recently used file is closed first, and none that is in use', async () => {
  const disk = memoryDisk()
  await disk.makeFolder('/d')
  const files = new OpenFiles(disk, 2)
  const [a, b] = [await files.take('/d/a', 'create'), await files.take('/d/b', 'create')]
  files.release(b)
  files.release(a)
  const c = await files.take('/d/c', 'create')
  files.release(c)
  assert.equal(files.takeOpen('/d/b'), undefined)
  const again = files.takeOpen('/d/a')
  assert.equal(again, a)
  const d = await files.take('/d/d', 'create')
  files.release(d)
  assert.equal(files.takeOpen('/d/c'), undefined)
  again!.file.write(0, [new Uint8Array(3)])
})

test('whoever asks for a file that is being opened gets the same one', async () => {
  const disk = memoryDisk()
  await disk.makeFolder('/d')
  const files = new OpenFiles(disk, 2)
  const [one, two] = await Promise.all([files.take('/d/a', 'create'), files.take('/d/a', 'create')])
  assert.equal(one, two)
  assert.equal(one.users, 2)
})

test('a forgotten file stays usable for those who have it', async () => {
  const disk = memoryDisk()
  await disk.makeFolder('/d')
  const files = new OpenFiles(disk, 2)
  const open = await files.take('/d/a', 'create')
  files.forget('/d/a')
  open.file.write(0, [new Uint8Array(3)])
  assert.notEqual(await files.take('/d/a'), open)
  files.release(open)
  await assert.rejects(open.file.read(0, 1))
})

test('when all are in use, whoever needs another waits its turn', async () => {
  const disk = memoryDisk()
  await disk.makeFolder('/d')
  const files = new OpenFiles(disk, 2)
  const held = [await files.take('/d/a', 'create'), await files.take('/d/b', 'create')]
  const order: string[] = []
  const waiting = ['c', 'd', 'e', 'f'].map(async name => {
    const open = await files.take(`/d/${name}`, 'create')
    order.push(name)
    return open
  })
  await turn()
  assert.deepEqual(order, [])
  files.release(held[0]!)
  await turn()
  assert.deepEqual(order, ['c'])
  files.release(held[1]!)
  for (const open of waiting) files.release(await open)
  assert.deepEqual(order, ['c', 'd', 'e', 'f'])
})

test('a failing open gives its place back', async () => {
  const disk = memoryDisk()
  await disk.makeFolder('/d')
  const files = new OpenFiles(disk, 1)
  for (let i = 0; i < 3; i++) await assert.rejects(files.take('/d/missing'), { code: 'ENOENT' })
  const open = await files.take('/d/a', 'create')
  const missing = assert.rejects(files.take('/d/missing'), { code: 'ENOENT' })
  const next = files.take('/d/b', 'create')
  files.release(open)
  await missing
  assert.equal((await next).path, '/d/b')
})

test('when the system has no descriptors left, some are left to others for a while, and not for ever', async () => {
  const disk = memoryDisk()
  await disk.makeFolder('/d')
  const files = new OpenFiles(disk, 100)
  const names = Array.from({ length: 20 }, (_, i) => `/d/${i}`)
  const openAll = async () => {
    for (const name of names) files.release(await files.take(name, 'create'))
  }
  const areOpen = () =>
    names.filter(name => {
      const open = files.takeOpen(name)
      if (open !== undefined) files.release(open)
      return open !== undefined
    }).length
  await openAll()
  await files.makeRoom()
  assert.equal(areOpen(), 0)
  await openAll()
  assert.equal(areOpen(), 12)
  for (let i = 0; i < 40; i++) await openAll()
  assert.equal(areOpen(), 20)
})

test('what must be asked of a descriptor is asked before it is closed, and its place is not given away meanwhile', async () => {
  const disk = memoryDisk()
  await disk.makeFolder('/d')
  const files = new OpenFiles(disk, 1)
  const a = await files.take('/d/a', 'create')
  const asked = Promise.withResolvers<void>()
  a.beforeClose = () => asked.promise
  files.release(a)
  let hasPlace = false
  const taking = files.take('/d/b', 'create').then(open => {
    hasPlace = true
    return open
  })
  await turn()
  assert(!hasPlace)
  a.file.write(0, [new Uint8Array(3)])
  asked.reject(new Error('EIO'))
  files.release(await taking)
  await assert.rejects(a.file.read(0, 1))
})
