import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import type { RequestContext } from '../handler.ts'
import { type ShareFetched, ShareFetchRun } from './share-fetch.ts'
import type { SharePartition } from './share-partition.ts'
import type { ShareSettings } from './share-settings.ts'

/** An engine whose storage is gone: it refuses every read at once, and never lets anybody wait for growth. */
async function readsOfFailedLog({ isWanted }: { isWanted: () => boolean }) {
  let reads = 0
  const engine = {
    async read() {
      if (++reads > 100) throw new Error('it reads again and again, and lets nothing else happen')
      return [{ ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR }]
    },
    onGrowth: () => Promise.resolve(),
  }
  const clock = { monotonic: () => 0, timer: () => ({ cancel() {} }) }
  const context = {
    broker: { engine, clock },
    signal: new AbortController().signal,
    takeAllowance: (bytes: number) => bytes,
    giveBackAllowance() {},
  } as unknown as RequestContext
  const partition = { partition: 1, open: () => 0, attend() {}, leave() {}, beginRead: () => 0, endRead() {} }
  const fetched: ShareFetched = {
    partition: partition as unknown as SharePartition,
    error: ErrorCodes.NONE,
    records: [],
    acquired: [],
  }
  const limits = { maxWaitMs: 60_000, minBytes: 1, maxBytes: 1e6, maxRecords: 10, batchSize: 10 }
  const settings = { isolation: 'uncommitted' } as ShareSettings
  const run = new ShareFetchRun([fetched], { ...limits, member: 'ada', isStrict: true, isWanted }, settings, context)
  await run.run(false)
  return { reads, error: fetched.error }
}

test('a log that cannot be read is told of at once', async () => {
  assert.deepEqual(await readsOfFailedLog({ isWanted: () => true }), {
    reads: 1,
    error: ErrorCodes.KAFKA_STORAGE_ERROR,
  })
})

test('a fetch whose session has ended ends, and does not ask a log that cannot be read until its time is up', async () => {
  assert.deepEqual(await readsOfFailedLog({ isWanted: () => false }), { reads: 1, error: ErrorCodes.NONE })
})
