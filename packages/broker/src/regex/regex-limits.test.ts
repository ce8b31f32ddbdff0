import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NameRegex } from './name-regex.ts'
import { RegexCache } from './regex-cache.ts'
import { RegexError } from './regex-error.ts'
import { Work, workOfTurn } from './work.ts'

const many = (count: number) => {
  const names = Array.from({ length: count }, (_, i) => 'a'.repeat(243) + String(i).padStart(6, '0'))
  return { version: 1, names: () => names }
}

for (const regex of [
  '((((){1000}){1000}){1000}){1000}',
  '(((^{1000}){1000}){1000}){1000}',
  '((((){0,1000}){0,1000}){0,1000}){0,1000}',
  '(((a{40}){40}){40})*',
  '(.?.?.?.?.?.?.?.?.?){1000}',
  `[${'ab'.repeat(100)}]{1000}`,
  `(${'|'.repeat(1000)}){1000}`,
])
  test(`${regex.slice(0, 50)} is refused without the work of writing it out`, () => {
    const before = performance.now()
    assert.throws(() => new NameRegex(regex), RegexError)
    assert.ok(performance.now() - before < 100)
  })

test('no name of a topic needs more than the work of one turn', () => {
  for (const regex of ['(.?){600}', '(a?){600}b', '(.*a){400}', '(\\b.?){450}', `(${'(a|.)?'.repeat(100)})*b`]) {
    const work = new Work(workOfTurn)
    assert.notEqual(new NameRegex(regex).matches('a'.repeat(249), work), undefined, `${regex}: ${work.left}`)
  }
})

test('a harmless expression is matched with 10,000 long names in two turns at most', () => {
  const cache = new RegexCache()
  const names = many(10_000)
  cache.check('a.*7', names)
  assert.equal(cache.matching('a.*7', names, new Work(workOfTurn))?.length, 1000)
})

test('what would take too many turns is refused for that', () => {
  const before = performance.now()
  assert.throws(() => new RegexCache().check('(.?){600}', many(10_000)), /too many ways/)
  assert.ok(performance.now() - before < 1000)
})

test('what one turn does not finish, later turns do', () => {
  const cache = new RegexCache()
  const names = many(100)
  let turns = 1
  while (cache.matching('(.*a)*.*7', names, new Work(2000)) === undefined) turns++
  assert.ok(turns > 2 && turns < 100, String(turns))
  assert.equal(cache.matching('(.*a)*.*7', names, new Work(0))?.length, 10)
})
