/**
 * Some hundred seeds of everything: `npm run simulate` runs as many as one likes, and says how to look at one that fails.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isClean, outcomeText, simulate } from './simulation.ts'

const seeds = 160
/** Those that have found something once, and what. */
const telling: Record<number, string> = {
  22: 'a clock that jumped was trusted after a restart',
  413: 'a start believed what a failed sync had left',
  442: 'a batch whose partitions were taken away was polled for without a pause',
  5381: 'who waited for the end of a transaction that was given up asked again without a pause',
}

test(`${seeds} seeds: nothing acknowledged is lost, doubled, reordered, or seen and then gone`, async () => {
  const wanted = [...Array.from({ length: seeds }, (_, i) => i + 1), ...Object.keys(telling).map(Number)]
  for (const seed of new Set(wanted)) {
    const outcome = await simulate(seed)
    assert(isClean(outcome), `${outcomeText(outcome)}\nagain: npm run simulate -- --seed ${seed} --trace`)
  }
})

test('a seed is the same run each time, event by event, in another process too', async () => {
  const seed = 35
  const first = await simulate(seed)
  await simulate(seed + 1)
  const second = await simulate(seed)
  assert.equal(first.hash, second.hash)
  assert.deepEqual([...first.recorder.lines()], [...second.recorder.lines()])
  const script = fileURLToPath(new URL('./simulate.ts', import.meta.url))
  const said = execFileSync(process.execPath, [script, '--seed', String(seed)], { encoding: 'utf8' })
  assert.match(said, new RegExp(`trace ${first.hash}`))
  assert.notEqual((await simulate(seed + 1)).hash, first.hash)
})
