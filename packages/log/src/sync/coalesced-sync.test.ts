import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CoalescedSync, type CoalescedSyncOptions } from './coalesced-sync.ts'

/** Syncs that end when the test says so. */
function slowSyncs(afterFailure: CoalescedSyncOptions['afterFailure']) {
  const syncs: PromiseWithResolvers<void>[] = []
  const shared = new CoalescedSync(
    () => {
      const sync = Promise.withResolvers<void>()
      syncs.push(sync)
      return sync.promise
    },
    { afterFailure },
  )
  return { syncs, shared }
}

for (const afterFailure of ['fail', 'anew'] as const)
  test(`who asks during a sync shares the next one (after a failure: ${afterFailure})`, async () => {
    const { syncs, shared } = slowSyncs(afterFailure)
    const first = shared.request()
    const others = [shared.request(), shared.request(), shared.request()]
    assert.equal(syncs.length, 1)
    syncs[0]!.resolve()
    await first
    assert.equal(syncs.length, 2)
    syncs[1]!.resolve()
    await Promise.all(others)
    const late = shared.request()
    assert.equal(syncs.length, 3)
    syncs[2]!.resolve()
    await late
  })

test('with `anew` a failed sync fails whoever asked before it ended, and nobody who asks later', async () => {
  const { syncs, shared } = slowSyncs('anew')
  const asked = [shared.request(), shared.request()]
  syncs[0]!.reject(new Error('EIO'))
  for (const promise of asked) await assert.rejects(promise, /EIO/)
  const later = shared.request()
  assert.equal(syncs.length, 2)
  syncs[1]!.resolve()
  await later
})

test('with `fail` a sync that has failed once fails for ever, and is not tried again', async () => {
  const { syncs, shared } = slowSyncs('fail')
  const first = shared.request()
  const asked = [shared.request(), shared.request()]
  syncs[0]!.resolve()
  await first
  syncs[1]!.reject(new Error('EIO'))
  for (const promise of [...asked, shared.request()]) await assert.rejects(promise, /EIO/)
  await assert.rejects(shared.request(), /EIO/)
  assert.equal(syncs.length, 2)
})
