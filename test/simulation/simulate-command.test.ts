/** What `npm run simulate` and `npm run chaos` are asked for: nothing that runs nothing may look like a run without failures. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chaosCommand } from '../chaos/chaos-command.ts'
import { Misuse } from './command-line.ts'
import { plantedBugs } from './planted-bugs.ts'
import { simulateCommand } from './simulate-command.ts'

test('what is asked for is what is run', () => {
  const search = { kind: 'search', first: 1, seeds: 1_000, workers: 2, minutes: Number.POSITIVE_INFINITY }
  assert.deepEqual(simulateCommand([]), { ...search, withPlants: true })
  assert.deepEqual(simulateCommand(['--seeds', '50', '--seed', '7', '--no-plants', '--minutes', '3']), {
    ...{ ...search, first: 7, seeds: 50, minutes: 3, withPlants: false },
  })
  assert.deepEqual(simulateCommand(['--seed', '413', '--trace']), {
    ...{ kind: 'replay', seed: 413, planted: undefined, withTrace: true },
  })
  const [bug] = plantedBugs
  assert.deepEqual(simulateCommand(['--plant', bug!.name]), { kind: 'catch', planted: bug, workers: 2 })
  assert.deepEqual(simulateCommand(['--plant', bug!.name, '--seed', '5']), {
    ...{ kind: 'replay', seed: 5, planted: bug, withTrace: false },
  })
  assert.equal(simulateCommand(['--help']), 'help')
})

for (const args of [
  ...[['--seeds', 'x'], ['--seeds', ''], ['--seeds', '0'], ['--seeds', '1.5'], ['--seeds=-1'], ['--seeds', '1e3']],
  ...[
    ['--seed', 'abc'],
    ['--seed', ''],
    ['--workers', '0'],
    ['--minutes', '0'],
    ['--plant', 'nonsense'],
  ],
  ...[['--sedes', '5'], ['--seeds'], ['12'], ['--trace'], ['--plant', 'no-fsync', '--seeds', '5']],
]) {
  test(`npm run simulate -- ${args.join(' ') || "''"} is refused`, () => {
    assert.throws(() => simulateCommand(args), Misuse)
  })
}

test('a planted bug that does not exist is answered with those that do', () => {
  assert.throws(() => simulateCommand(['--plant', 'nonsense']), /no planted bug "nonsense"; there are no-fsync, /)
})

test('the chaos list takes items, a seed and lengths, and nothing else', () => {
  const command = chaosCommand(['r1', 'R9', '--seed', '7', '--quick'])
  assert.deepEqual(command, { ids: ['R1', 'R9'], options: { seed: 7, isQuick: true, soakMinutes: 0 }, json: undefined })
  assert.equal(chaosCommand(['--help']), 'help')
  for (const args of [['R99'], ['--seed', 'x'], ['--soak-minutes', ''], ['--soak-minutes', '1h'], ['--fast']])
    assert.throws(() => chaosCommand(args), Misuse, args.join(' '))
})

const run = (script: string, ...args: string[]) =>
  spawnSync(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), ...args], { encoding: 'utf8' })

test('a seed that fails with a planted bug tells how to run it again', () => {
  const { status, stdout } = run('simulate.ts', '--seed', '5', '--plant', 'committed-offset-off-by-one')
  assert.equal(status, 1)
  assert.match(stdout, /commit \w.* with the planted bug committed-offset-off-by-one\n/)
  assert.match(stdout, /^again: npm run simulate -- --seed 5 --plant committed-offset-off-by-one --trace$/m)
})

for (const [script, name] of [
  ['simulate.ts', '--plant NAME'],
  ['../chaos/run.ts', '--soak-minutes N'],
] as const) {
  test(`${script} ends with 2 and one sentence when it is asked for what there is not`, () => {
    const wrong = run(script, '--nonsense')
    assert.equal(wrong.status, 2)
    assert.match(wrong.stderr, /^Unknown option '--nonsense'.*--help.*\n$/)
    const help = run(script, '--help')
    assert.equal(help.status, 0)
    assert(help.stdout.includes(name))
  })
}
