/** What CI calls worse, and what a partial run keeps of the last one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Expected, merge, regressions } from './expected.ts'
import type { Outcome, State } from './outcome.ts'

const before: Expected = {
  versions: {},
  results: { one: { good: { state: 'pass', seconds: 1 }, bad: { state: 'fail', seconds: 1, reason: 'why' } } },
}

const outcome = (name: string, state: State): Outcome => ({ name, state, seconds: 0.26, reason: '' })

test('worse is what passed and fails or is skipped now, and what is new and fails', () => {
  const worse = (...outcomes: Outcome[]) => regressions(before, 'one', outcomes).length
  assert.equal(worse(outcome('good', 'pass'), outcome('bad', 'fail'), outcome('bad', 'pass')), 0)
  assert.equal(worse(outcome('good', 'fail'), outcome('good', 'skip'), outcome('new', 'fail')), 3)
  assert.equal(worse(outcome('new', 'pass'), outcome('bad', 'skip')), 0)
})

test('a partial run keeps what it did not run, a whole one forgets it', () => {
  const ran = [outcome('good', 'fail')]
  assert.deepEqual(merge(before, 'one', ran, false).results.one, {
    good: { state: 'fail', seconds: 0.3 },
    bad: before.results.one!.bad,
  })
  assert.deepEqual(Object.keys(merge(before, 'one', ran, true).results.one!), ['good'])
})
