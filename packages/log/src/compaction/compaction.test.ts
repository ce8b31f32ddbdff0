import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompactionHistory } from '../testing/compaction-history.ts'

const only = process.env.SEED
const seeds = only === undefined ? Array.from({ length: 40 }, (_, seed) => seed) : [Number(only)]

test('over 40 histories of a compacted topic with crashes, consumers see what was committed, and nothing else', async () => {
  let passes = 0
  for (const seed of seeds) {
    const history = new CompactionHistory(seed)
    await history.run()
    passes += history.passes
  }
  assert.ok(only !== undefined || passes > 100, `the cleaner was at work: ${passes} passes`)
})
