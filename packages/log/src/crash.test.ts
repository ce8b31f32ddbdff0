/** To look at one history alone: `SEED=17 node --test packages/log/src/crash.test.ts`. */
import { test } from 'node:test'
import { crashHistory } from './testing/crash-history.ts'

const only = process.env.SEED
const seeds = only === undefined ? Array.from({ length: 200 }, (_, seed) => seed) : [Number(only)]

test(`over ${seeds.length} histories of power failures, nothing acknowledged or seen is lost, moved or doubled`, async () => {
  for (const seed of seeds) await crashHistory(seed)
})
