import assert from 'node:assert/strict'
import { test } from 'node:test'
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
