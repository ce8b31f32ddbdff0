/** The runner: figures are judged by their bars, the table shows both, an item that breaks or hangs has failed, nothing outlives it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { atLeast, atMost, none } from './item.ts'
import { runItem } from './item-process.ts'
import { items } from './items/index.ts'
import { judge, table } from './report.ts'

const bars = { lost: none('lost'), slowest: atMost(2_000, 'slowest', 'ms'), rate: atLeast(90, 'rate', '%') }
const it = { id: 'R0', what: 'an item', bars }
const verdicts = (measured: Parameters<typeof judge>[1]) => judge(it, measured).map(({ verdict }) => verdict)

test('a figure passes at its bar and fails beyond it', () => {
  assert.deepEqual(verdicts({ lost: 0, slowest: 2_000, rate: 90 }), ['pass', 'pass', 'pass'])
  assert.deepEqual(verdicts({ lost: 1, slowest: 2_001, rate: 89.9 }), ['FAIL', 'FAIL', 'FAIL'])
  assert.deepEqual(verdicts({ lost: Number.NaN, slowest: Number.NaN, rate: Number.NaN }), ['FAIL', 'FAIL', 'FAIL'])
})

test('what could not be measured skips with its reason, what was forgotten fails', () => {
  const rows = judge(it, { lost: { skipped: 'strace is not installed' }, slowest: { value: 7, detail: 'of 3' } })
  assert.deepEqual(
    rows.map(({ verdict, detail }) => [verdict, detail]),
    [
      ['skip', 'strace is not installed'],
      ['pass', 'of 3'],
      ['FAIL', 'it was not measured'],
    ],
  )
})

test('the table shows each figure beside its bar', () => {
  const lines = table(judge(it, { lost: 0, slowest: { value: 12_345, detail: 'in round 3' }, rate: 99.5 })).split('\n')
  assert.deepEqual(
    lines.slice(2).map(line => line.split(/ {2,}/)),
    [
      ['R0', 'lost', '0', '0', 'pass'],
      ['R0', 'slowest', '12,345 ms', '≤ 2,000 ms', 'FAIL', 'in round 3'],
      ['R0', 'rate', '99.5 %', '≥ 90 %', 'pass'],
    ],
  )
})

test('every item has an id of its own', () => {
  assert.equal(new Set(items.map(({ id }) => id)).size, items.length)
})

test('an item that takes too long is ended, with all that it started', async () => {
  const goldens = items.find(({ id }) => id === 'R21')!
  const [row] = await runItem(goldens, { seed: 1, isQuick: true, soakMinutes: 0 }, 1)
  assert.equal(row!.verdict, 'FAIL')
  assert.match(row!.detail, /did not end/)
})

test('the command runs an item and prints its figure beside its bar; an unknown one is refused', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [fileURLToPath(new URL('run.ts', import.meta.url)), ...args], { encoding: 'utf8' })
  const { status, stdout } = run('r21', '--quick')
  assert.equal(status, 0)
  assert.match(stdout, /^R21 .* 100 % +≥ 100 % +pass +\d+ folders$/m)
  assert.equal(run('R99').status, 2)
})
