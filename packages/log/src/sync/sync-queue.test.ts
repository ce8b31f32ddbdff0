import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Committable, SyncQueue } from './sync-queue.ts'

/** A file that is synced when the test says so. */
class SlowFile implements Committable {
  readonly unsyncedBytes = 1
  needsSync = false
  syncs = 0
  finish: () => void = () => undefined

  sync(): Promise<void> {
    this.syncs++
    this.needsSync = false
    return new Promise(resolve => {
      this.finish = resolve
    })
  }

  stage(): never {
    throw new Error('there is no journal')
  }

  journaled(): never {
    throw new Error('there is no journal')
  }

  settle(): Promise<'settled'> {
    return Promise.resolve('settled')
  }
}

test('what is written during a sync shares the next one', async () => {
  const queue = new SyncQueue(4)
  const file = new SlowFile()
  queue.request(file)
  await turn()
  for (let i = 0; i < 10; i++) {
    file.needsSync = true
    queue.request(file)
  }
  assert.equal(file.syncs, 1)
  file.finish()
  await turn()
  assert.equal(file.syncs, 2)
  file.finish()
  await turn()
  assert.equal(file.syncs, 2)
})

test('only so many syncs are in flight, and every file gets its turn', async () => {
  const queue = new SyncQueue(2)
  const files = Array.from({ length: 5 }, () => new SlowFile())
  for (const file of files) queue.request(file)
  await turn()
  assert.deepEqual(
    files.map(file => file.syncs),
    [1, 1, 0, 0, 0],
  )
  files[0]!.needsSync = true
  files[0]!.finish()
  await turn()
  assert.deepEqual(
    files.map(file => file.syncs),
    [1, 1, 1, 0, 0],
  )
  for (const file of [1, 2, 3, 4, 0]) {
    files[file]!.finish()
    await turn()
  }
  assert.deepEqual(
    files.map(file => file.syncs),
    [2, 1, 1, 1, 1],
  )
})
