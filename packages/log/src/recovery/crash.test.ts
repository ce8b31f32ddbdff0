/** To look at one history alone: `SEED=17 node --test packages/log/src/recovery/crash.test.ts`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crashHistory } from '../testing/crash-history.ts'

const only = process.env.SEED
const seeds = only === undefined ? Array.from({ length: 200 }, (_, seed) => seed) : [Number(only)]

test(`over ${seeds.length} histories of power failures, nothing acknowledged or seen is lost, moved or doubled`, async t => {
  const use = { groups: 0, replays: 0 }
  for (const seed of seeds) {
    const { groups, replays } = await crashHistory(seed)
    use.groups += groups
    use.replays += replays
  }
  t.diagnostic(`${use.groups} groups of the journal; ${use.replays} starts replayed some`)
  if (only === undefined) assert(use.groups > 200 && use.replays > 50)
})
