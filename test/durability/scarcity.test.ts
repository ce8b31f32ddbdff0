/** `ODRADEK_ROUNDS=200` takes things away as often. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Scarce, scarcity } from './scarcity.ts'

const rounds = Number(process.env.ODRADEK_ROUNDS ?? 4)
const seed = Number(process.env.ODRADEK_SEED ?? Date.now() % 1_000_000)

const scarcities: Record<Scarce, string> = {
  bytes: 'no space on the disk',
  inodes: 'no room for another file on the disk',
  descriptors: 'no descriptors',
}

for (const [scarce, what] of Object.entries(scarcities) as [Scarce, string][]) {
  test(`${what}: refused is what may be tried again, and all goes on by itself (${rounds} rounds, ODRADEK_SEED=${seed})`, async t => {
    const figures = await scarcity({ scarce, rounds, seed })
    if (typeof figures === 'string') return t.skip(figures)
    const { answered, refused, resumedMs, problems } = figures
    t.diagnostic(`${answered} answered, ${refused} refused, all done ${resumedMs} ms after there was enough again`)
    assert.deepEqual(problems.slice(0, 10), [])
    assert.equal(figures.rounds, rounds)
    assert.ok(refused > 0 || scarce === 'descriptors')
  })
}
