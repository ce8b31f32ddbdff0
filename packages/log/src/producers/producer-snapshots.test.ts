import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatedWorld } from '@odradek/world'
import { snapshotName } from '../folder/file-names.ts'
import { writeFile } from '../folder/whole-file.ts'
import { decodeAborted, decodeSnapshot, encodeSnapshot } from './producer-snapshot.ts'
import { forgetAborted } from './producer-snapshots.ts'

const folder = '/data'
const aborted = [
  { producerId: 5n, firstOffset: 1, lastOffset: 3 },
  { producerId: 5n, firstOffset: 20, lastOffset: 22 },
]

test('a full disk leaves the snapshots from which aborted transactions are to be forgotten as they were', async () => {
  const world = simulatedWorld({ seed: 1 })
  const { disk } = world.machine('m').boot()
  const finish = <T>(promise: Promise<T>) => world.clock.finish(promise)
  const path = `${folder}/${snapshotName(30)}`
  await disk.makeFolder(folder)
  await finish(writeFile(disk, path, encodeSnapshot(30, [], aborted), { sync: true }))
  await finish(writeFile(disk, `${path}.new`, Uint8Array.of(1, 2), { sync: true }))
  const takeBack = world.machine('m').disk.fail({ on: 'write', code: 'ENOSPC', path: '.snapshot' })
  await assert.rejects(finish(forgetAborted(disk, folder, 10)), /ENOSPC/)
  takeBack()
  assert.deepEqual(decodeAborted(await disk.readFile(path)), aborted)
  assert.deepEqual(await disk.list(folder), [snapshotName(30)])
  await finish(forgetAborted(disk, folder, 10))
  const bytes = await disk.readFile(path)
  assert.deepEqual(decodeSnapshot(bytes, 30), [])
  assert.deepEqual(decodeAborted(bytes), aborted.slice(1))
  assert.deepEqual(await disk.list(folder), [snapshotName(30)])
})
