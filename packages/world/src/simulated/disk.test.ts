import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diskContract } from '../contract/disk.suite.ts'
import { simulatedWorld } from './world.ts'

diskContract('the simulated disk', async () => {
  const { disk } = simulatedWorld({ seed: 1 })
  await disk.makeFolder('/data')
  return { disk, folder: '/data' }
})

const bytes = (of: string) => Buffer.from(of, 'latin1')
const failsWith = (code: string) => (error: unknown) => (error as { code?: string }).code === code

async function diskWithFile(seed: number) {
  const world = simulatedWorld({ seed })
  await world.disk.makeFolder('/data')
  const file = await world.disk.open('/data/a', 'create')
  await world.disk.syncFolder('/data')
  await world.disk.syncFolder('/')
  return { ...world, file }
}

test('a handle from before a crash is of no use; the file can be opened again', async () => {
  const { disk, file } = await diskWithFile(1)
  file.write(0, [bytes('abc')])
  await file.sync()
  disk.crash()
  await assert.rejects(file.read(0, 3), failsWith('EIO'))
  await assert.rejects(file.sync(), failsWith('EIO'))
  assert.throws(() => file.write(0, [bytes('x')]), failsWith('EIO'))
  assert.equal((await disk.open('/data/a', 'existing')).size, 3)
})

test('what was written is on the disk as it was then, when its buffer is used again before the sync ends', async () => {
  const world = simulatedWorld({ seed: 4, disk: { syncMs: [5, 5] } })
  const file = await world.disk.open('/a', 'create')
  const written = bytes('abc')
  file.write(0, [written])
  const syncing = world.clock.finish(file.sync())
  written.fill(0)
  await syncing
  await world.clock.finish(world.disk.syncFolder('/'))
  file.write(3, [bytes('lost')])
  world.disk.crash({ unsynced: 'lost' })
  assert.equal(Buffer.from(await world.disk.readFile('/a')).toString(), 'abc')
})

test('a sync under way when the machine crashes does not succeed', async () => {
  const world = simulatedWorld({ seed: 4, disk: { syncMs: [5, 5] } })
  const file = await world.disk.open('/a', 'create')
  file.write(0, [bytes('abc')])
  const syncing = file.sync()
  await world.clock.advance(1)
  world.disk.crash({ unsynced: 'lost' })
  await assert.rejects(world.clock.finish(syncing), failsWith('EIO'))
  assert.equal(await world.disk.exists('/a'), false)
})

test('what was written during a sync waits for the next one', async () => {
  const world = simulatedWorld({ seed: 4, disk: { syncMs: [5, 5] } })
  const { clock, disk } = world
  const file = await disk.open('/a', 'create')
  await clock.finish(disk.syncFolder('/'))
  file.write(0, [bytes('abc')])
  const syncing = file.sync()
  file.write(3, [bytes('def')])
  await clock.finish(syncing)
  disk.crash({ unsynced: 'lost' })
  assert.equal(Buffer.from(await disk.readFile('/a')).toString(), 'abc')
})

test('rules choose which operation fails, how often, and with what', async () => {
  const { disk, file } = await diskWithFile(1)
  disk.fail({ on: 'sync', code: 'EIO', after: 1 })
  await file.sync()
  await assert.rejects(file.sync(), failsWith('EIO'))
  await file.sync()
  const heal = disk.fail({ on: 'open', code: 'EMFILE', path: /a$/, times: Number.POSITIVE_INFINITY })
  await assert.rejects(disk.open('/data/a', 'existing'), failsWith('EMFILE'))
  await assert.rejects(disk.open('/data/a', 'existing'), failsWith('EMFILE'))
  await disk.open('/data/b', 'create')
  heal()
  await disk.open('/data/a', 'existing')
})

test('a later sync does not save what a failed one covered', async () => {
  const { disk, file } = await diskWithFile(1)
  file.write(0, [bytes('lost')])
  disk.fail({ on: 'sync', code: 'EIO' })
  await assert.rejects(file.sync(), failsWith('EIO'))
  file.write(4, [bytes('kept')])
  await file.sync()
  disk.crash({ unsynced: 'lost' })
  assert.equal(Buffer.from(await disk.readFile('/data/a')).toString(), '\0\0\0\0kept')
})

test('a full disk refuses to grow, lets what is there be read and changed, and takes more when there is room', async () => {
  const { disk, file } = await diskWithFile(3)
  file.write(0, [bytes('x'.repeat(900))])
  disk.setCapacity(1_000)
  assert.throws(() => file.write(900, [bytes('y'.repeat(60)), bytes('y'.repeat(60))]), failsWith('ENOSPC'))
  assert.ok(file.size >= 900 && file.size <= 1_000, `some of it may have been written: ${file.size}`)
  file.write(0, [bytes('z')])
  file.truncate(500)
  file.write(500, [bytes('y'.repeat(120))])
  assert.equal(disk.usedBytes, 620)
})

test('kill -9 loses nothing that was written, synced or not', async () => {
  const { disk, file } = await diskWithFile(5)
  file.write(0, [bytes('abc')])
  await disk.open('/data/b', 'create')
  await disk.rename('/data/a', '/data/c')
  disk.crash({ unsynced: 'kept' })
  assert.deepEqual(await disk.list('/data'), ['b', 'c'])
  assert.equal(Buffer.from(await disk.readFile('/data/c')).toString(), 'abc')
})

test('a link survives a crash when its folder was synced, and counts its bytes once', async () => {
  const { disk, file } = await diskWithFile(6)
  file.write(0, [bytes('abc')])
  await file.sync()
  await disk.link('/data/a', '/data/kept')
  await disk.syncFolder('/data')
  await disk.link('/data/a', '/data/lost')
  await disk.remove('/data/a')
  assert.equal(disk.usedBytes, 3)
  disk.crash({ unsynced: 'lost' })
  assert.deepEqual(await disk.list('/data'), ['a', 'kept'])
  assert.equal(Buffer.from(await disk.readFile('/data/kept')).toString(), 'abc')
  disk.fail({ on: 'link', code: 'EXDEV' })
  await assert.rejects(disk.link('/data/a', '/data/b'), failsWith('EXDEV'))
})

test('a sync of a folder that ends after a later one does not bring back what that one removed', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const world = simulatedWorld({ seed, disk: { syncMs: [1, 20] } })
    const { disk, clock } = world
    await disk.open('/a', 'create')
    const first = disk.syncFolder('/')
    await disk.remove('/a')
    await clock.finish(disk.syncFolder('/'))
    await clock.finish(first)
    disk.crash({ unsynced: 'lost' })
    assert(!(await disk.exists('/a')), `seed ${seed}`)
  }
})
