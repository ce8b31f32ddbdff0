/** `ODRADEK_CUT_STEP=1` cuts at every byte of the last 64 KiB. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { truncations } from './truncation.ts'

const step = Number(process.env.ODRADEK_CUT_STEP ?? 197)

test(`a log cut off at every ${step}. byte of its last 64 KiB keeps every complete batch`, async t => {
  for (const { history, cuts, problems } of await truncations({ step })) {
    t.diagnostic(`${history}: ${cuts} cuts`)
    assert.deepEqual(problems.slice(0, 10), [])
    assert.ok(cuts > 65_536 / step - 1)
  }
})
