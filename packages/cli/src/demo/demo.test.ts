import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { renderCounts } from './count-view.ts'
import { countWords, differences, topWords, totalOf, words } from './words.ts'

test('words are runs of letters and digits of any script, in lower case', () => {
  assert.deepEqual(words('“Whale-ship”, said 2 ÉMIGRÉS—грусть!'), ['whale', 'ship', 'said', '2', 'émigrés', 'грусть'])
  assert.deepEqual(words('  —  '), [])
})

test('the book is whole: its first words, its last, and as many as it has', () => {
  const text = readFileSync(new URL('../../data/moby-dick.txt', import.meta.url), 'utf8')
  const counts = countWords(text.split('\n'))
  assert.equal(counts.get('whale'), 1227)
  assert.equal(counts.get('ahab'), 511)
  assert.match(text, /Call me Ishmael/)
  assert.match(text.trimEnd(), /only found another orphan\.$/)
  assert.ok(totalOf(counts) > 200_000)
})

test('top words come by count, then by alphabet; differences name both sides', () => {
  const counts = countWords(['b a', 'a c b', 'd'])
  assert.deepEqual(topWords(counts, 3), [
    ['a', 2],
    ['b', 2],
    ['c', 1],
  ])
  assert.deepEqual(
    differences(
      counts,
      new Map([
        ['a', 2],
        ['b', 1],
        ['c', 1],
        ['d', 1],
      ]),
    ),
    [{ word: 'b', expected: 2, actual: 1 }],
  )
})

test('the live view fits its width and shows progress, totals and bars', () => {
  const state = {
    title: 'Moby-Dick',
    publishedLines: 50,
    totalLines: 100,
    countedWords: 1234,
    distinctWords: 99,
    wordsPerSecond: 5678,
    top: [
      ['the', 10],
      ['whale', 5],
    ] as const,
  }
  const lines = renderCounts(state, 60, false)
  assert.ok(
    lines.every(line => line.length <= 60),
    lines.join('\n'),
  )
  assert.match(lines[1]!, /█+░+ {2}50 of 100 lines$/)
  assert.match(lines[2]!, /1,234 words, 99 different, 5,678 records\/s/)
  assert.ok(lines[4]!.split('▇').length > lines[5]!.split('▇').length)
})
