import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NamesSync } from './names-sync.ts'

/** Syncs that end when the test says so. */
function slowSyncs(): { syncs: PromiseWithResolvers<void>[]; names: NamesSync } {
  const syncs: PromiseWithResolvers<void>[] = []
  const names = new NamesSync(() => {
    const sync = Promise.withResolvers<void>()
    syncs.push(sync)
    return sync.promise
  })
  return { syncs, names }
}

test('who asks during a sync shares the next one', async () => {
  const { syncs, names } = slowSyncs()
  const first = names.request()
  const others = [names.request(), names.request(), names.request()]
  assert.equal(syncs.length, 1)
  syncs[0]!.resolve()
  await first
  assert.equal(syncs.length, 2)
  syncs[1]!.resolve()
  await Promise.all(others)
  const late = names.request()
  assert.equal(syncs.length, 3)
  syncs[2]!.resolve()
  await late
})

test('a failed sync fails whoever asked before it ended, and nobody who asks later', async () => {
  const { syncs, names } = slowSyncs()
  const asked = [names.request(), names.request()]
  syncs[0]!.reject(new Error('EIO'))
  for (const promise of asked) await assert.rejects(promise, /EIO/)
  const later = names.request()
  assert.equal(syncs.length, 2)
  syncs[1]!.resolve()
  await later
})
