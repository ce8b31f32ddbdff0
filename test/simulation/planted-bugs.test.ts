/** All planted bugs can be planted, and a few are caught; `npm run simulate` catches all of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plantedBugs } from './planted-bugs.ts'
import { plantedSource } from './planting.ts'
import { runSeeds } from './seed-workers.ts'
import { type SeedReport, signsOf } from './simulation-report.ts'

test('every planted bug finds the text it replaces, exactly once', () => {
  for (const bug of plantedBugs) assert(plantedSource(bug).includes(bug.to))
  assert(plantedBugs.length >= 20)
  assert.equal(new Set(plantedBugs.map(({ name }) => name)).size, plantedBugs.length)
})

test('the bugs that a log must not have by any means are among them', () => {
  const names = plantedBugs.map(({ name }) => name)
  for (const name of [
    ...['no-fsync', 'early-acknowledgement', 'forgotten-duplicate-check', 'truncation-off-by-one'],
    ...['lost-producer-snapshot', 'visible-before-durable'],
  ])
    assert(names.includes(name), name)
})

test('a bug whose text is gone is no bug that was not found', () => {
  const [bug] = plantedBugs
  assert.throws(() => plantedSource({ ...bug!, from: 'a line that nobody wrote' }), /has its text 0 times, not once/)
})

for (const [name, seed] of [
  ['truncation-off-by-one', 72],
  ['rot-served', 14],
  ['early-acknowledgement', 19],
  ['committed-offset-off-by-one', 5],
] as const) {
  test(`the planted bug ${name} is caught`, async () => {
    const { shownBy } = plantedBugs.find(bug => bug.name === name)!
    const reports: SeedReport[] = []
    let next = seed - 2
    const isCaught = () => reports.some(report => signsOf(report).some(sign => shownBy.includes(sign)))
    await runSeeds({
      planted: name,
      next: () => (isCaught() || next > seed + 60 ? undefined : ++next),
      done: report => reports.push(report),
    })
    assert(isCaught())
  })
}
