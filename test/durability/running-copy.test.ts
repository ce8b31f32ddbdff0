/** `ODRADEK_COPIES=100` makes as many copies. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runningCopies } from './running-copy.ts'

const copies = Number(process.env.ODRADEK_COPIES ?? 3)
const seed = Number(process.env.ODRADEK_SEED ?? Date.now() % 1_000_000)

test(`a folder copied while its broker runs has all that was there before (${copies} copies, ODRADEK_SEED=${seed})`, async t => {
  const { acknowledged, later, problems } = await runningCopies({ copies, seed })
  t.diagnostic(`${acknowledged} records of before the copies, ${later} of after`)
  assert.deepEqual(problems.slice(0, 10), [])
  assert.ok(acknowledged > 60 * copies)
})
