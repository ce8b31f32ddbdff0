/** Data folders that earlier releases left behind: today's code starts on them and reads everything. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkGolden, goldens } from './formats/golden-check.ts'

for (const golden of goldens()) {
  test(`a data folder of ${golden.release}, ${golden.name}, is read whole`, async t => {
    const read = await checkGolden(golden)
    assert.ok(read > 100)
    t.diagnostic(`${read} records`)
  })
}
