/**
 * One flipped bit in any kind of file. `ODRADEK_FLIPS=1000` flips as many in each kind; the seed is in the name of the test.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bitRot } from './bit-rot.ts'

const flipsPerKind = Number(process.env.ODRADEK_FLIPS ?? 6)
const seed = Number(process.env.ODRADEK_SEED ?? Date.now() % 1_000_000)

test(`a flipped bit in any file is found or harmless (${flipsPerKind} in each kind, ODRADEK_SEED=${seed})`, async t => {
  const figures = await bitRot({ flipsPerKind, seed })
  for (const { kind, flips, said, answered, harmless } of figures)
    t.diagnostic(`${kind}: ${flips} flips, ${said} said, ${answered} answered as damaged, ${harmless} harmless`)
  const kinds = figures.map(each => each.kind)
  for (const kind of [
    'checkpoint',
    'metadata.db',
    'metadata.log',
    'n.index',
    'n.log',
    'n.snapshot',
    'partition.metadata',
  ])
    assert.ok(kinds.includes(kind), `${kind} among ${kinds}`)
  assert.deepEqual(
    figures.flatMap(each => each.problems),
    [],
  )
})
