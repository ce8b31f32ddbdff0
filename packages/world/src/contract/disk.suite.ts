/** What every disk does, whatever it is made of. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Disk } from '../disk.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const bytes = (of: string) => Buffer.from(of, 'latin1')
const failsWith = (code: string) => (error: unknown) => (error as { code?: string }).code === code

export function diskContract(name: string, open: () => Promise<{ disk: Disk; folder: string }>): void {
  describe(`${name} is a disk`, () => {
    for (const [claim, check] of Object.entries(claims)) test(claim, () => check(open))
  })
}

const claims: Record<string, (open: () => Promise<{ disk: Disk; folder: string }>) => Promise<void>> = {
  'chunks are written one after the other and read by position': async open => {
    const { disk, folder } = await open()
    const file = await disk.open(`${folder}/a`, 'create')
    file.write(0, [bytes('abc'), bytes(''), bytes('defg')])
    file.write(2, [bytes('XY')])
    assert.equal(file.size, 7)
    assert.equal(text(await file.read(0, 100)), 'abXYefg')
    assert.equal(text(await file.read(5, 1)), 'f')
    assert.equal(text(await file.read(7, 5)), '')
    await file.close()
  },
  'more chunks than one system call takes are written all': async open => {
    const { disk, folder } = await open()
    const file = await disk.open(`${folder}/a`, 'create')
    const chunks = Array.from({ length: 2_500 }, (_, i) => bytes(String(i % 10).repeat(1 + (i % 3))))
    file.write(10, chunks)
    assert.equal(text(await file.read(10, 1e6)), text(Buffer.concat(chunks)))
    await file.close()
  },
  'a file cut and written beyond its end holds zeroes in between': async open => {
    const { disk, folder } = await open()
    const file = await disk.open(`${folder}/a`, 'create')
    file.write(0, [bytes('abcdef')])
    file.truncate(2)
    assert.equal(file.size, 2)
    file.write(4, [bytes('z')])
    assert.equal(text(await file.read(0, 10)), 'ab\0\0z')
    file.truncate(70_000)
    assert.equal(file.size, 70_000)
    assert.equal(text(await file.read(69_999, 10)), '\0')
    await file.close()
  },
  'a file is opened as it is, made, or emptied, as the mode says': async open => {
    const { disk, folder } = await open()
    const path = `${folder}/a`
    await assert.rejects(disk.open(path, 'existing'), failsWith('ENOENT'))
    const first = await disk.open(path, 'create')
    first.write(0, [bytes('abc')])
    await first.sync()
    await first.close()
    const again = await disk.open(path, 'create')
    assert.equal(again.size, 3)
    await again.close()
    assert.equal(text(await disk.readFile(path)), 'abc')
    const fresh = await disk.open(path, 'fresh')
    assert.equal(fresh.size, 0)
    await fresh.close()
  },
  'a closed file neither reads, writes nor syncs': async open => {
    const { disk, folder } = await open()
    const file = await disk.open(`${folder}/a`, 'create')
    file.write(0, [bytes('abc')])
    const reading = file.read(0, 3)
    await file.close()
    await file.close()
    assert.equal(text(await reading), 'abc')
    await assert.rejects(file.read(0, 1), failsWith('EBADF'))
    await assert.rejects(file.sync(), failsWith('EBADF'))
    assert.throws(() => file.write(0, [bytes('x')]), failsWith('EBADF'))
    assert.throws(() => file.truncate(0), failsWith('EBADF'))
  },
  'names are listed in order, renamed over others, and removed with all below them': async open => {
    const { disk, folder } = await open()
    await disk.makeFolder(`${folder}/x/y`)
    await disk.makeFolder(`${folder}/x/y`)
    for (const name of ['b', 'a', 'c']) {
      const file = await disk.open(`${folder}/x/${name}`, 'create')
      file.write(0, [bytes(name)])
      await file.close()
    }
    await disk.rename(`${folder}/x/a`, `${folder}/x/c`)
    await disk.rename(`${folder}/x/b`, `${folder}/x/y/b`)
    assert.deepEqual(await disk.list(`${folder}/x`), ['c', 'y'])
    assert.equal(text(await disk.readFile(`${folder}/x/c`)), 'a')
    await disk.syncFolder(`${folder}/x`)
    await disk.remove(`${folder}/x`)
    await disk.remove(`${folder}/x`)
    assert.equal(await disk.exists(`${folder}/x/y/b`), false)
    assert.equal(await disk.exists(folder), true)
    await assert.rejects(disk.list(`${folder}/x`), failsWith('ENOENT'))
    await assert.rejects(disk.readFile(`${folder}/x/c`), failsWith('ENOENT'))
    await assert.rejects(disk.rename(`${folder}/no`, `${folder}/other`), failsWith('ENOENT'))
  },
  'an open file that is renamed or removed can be read and written all the same': async open => {
    const { disk, folder } = await open()
    const file = await disk.open(`${folder}/a`, 'create')
    file.write(0, [bytes('abc')])
    await disk.rename(`${folder}/a`, `${folder}/b`)
    file.write(3, [bytes('def')])
    assert.equal(text(await disk.readFile(`${folder}/b`)), 'abcdef')
    await disk.remove(`${folder}/b`)
    assert.equal(text(await file.read(0, 10)), 'abcdef')
    await file.close()
  },
  'a file opened for reading is read, and refuses to be written': async open => {
    const { disk, folder } = await open()
    await assert.rejects(disk.open(`${folder}/a`, 'read'), failsWith('ENOENT'))
    const writer = await disk.open(`${folder}/a`, 'create')
    writer.write(0, [bytes('abc')])
    const file = await disk.open(`${folder}/a`, 'read')
    assert.equal(text(await file.read(1, 9)), 'bc')
    assert.throws(() => file.write(0, [bytes('x')]), failsWith('EBADF'))
    assert.throws(() => file.truncate(0))
    await file.close()
    await writer.close()
    assert.equal(text(await disk.readFile(`${folder}/a`)), 'abc')
  },
  'a link is a second name of the same bytes, which outlives the first': async open => {
    const { disk, folder } = await open()
    await disk.makeFolder(`${folder}/x`)
    const file = await disk.open(`${folder}/a`, 'create')
    file.write(0, [bytes('abc')])
    await disk.link(`${folder}/a`, `${folder}/x/b`)
    file.write(3, [bytes('def')])
    assert.equal(text(await disk.readFile(`${folder}/x/b`)), 'abcdef')
    assert.equal(await disk.isSameFile(`${folder}/a`, `${folder}/x/b`), true)
    assert.equal(await disk.isSameFile(`${folder}/a`, `${folder}/no`), false)
    await assert.rejects(disk.link(`${folder}/a`, `${folder}/x/b`), failsWith('EEXIST'))
    await assert.rejects(disk.link(`${folder}/no`, `${folder}/c`), failsWith('ENOENT'))
    await assert.rejects(disk.link(`${folder}/x`, `${folder}/y`), failsWith('EPERM'))
    const other = await disk.open(`${folder}/other`, 'create')
    other.write(0, [bytes('new')])
    await disk.rename(`${folder}/other`, `${folder}/a`)
    assert.equal(await disk.isSameFile(`${folder}/a`, `${folder}/x/b`), false)
    assert.equal(text(await disk.readFile(`${folder}/a`)), 'new')
    assert.equal(text(await disk.readFile(`${folder}/x/b`)), 'abcdef')
    await disk.remove(`${folder}/a`)
    assert.equal(text(await disk.readFile(`${folder}/x/b`)), 'abcdef')
    await Promise.all([file.close(), other.close()])
  },
}
