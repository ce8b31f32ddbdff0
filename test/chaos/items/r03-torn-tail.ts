/** The active segment cut off at every byte of its last 64 KiB, and garbage behind a log: every complete batch is kept, no other is served. */
import { truncations } from '../../durability/truncation.ts'
import { atLeast, item, none } from '../item.ts'
import { runTests } from '../load/test-run.ts'

export const tornTail = item({
  id: 'R3',
  what: 'a torn end of a log',
  bars: {
    cuts: atLeast(131_072, 'starts on a log that was cut, at every byte, torn and lost'),
    problems: none('starts that failed, lost a whole batch, or served another'),
    garbage: none('failed tests with garbage behind a log'),
  },
  async run(chaos) {
    const figures = await truncations({ step: chaos.count({ quick: 131, full: 1 }) })
    const cuts = figures.reduce((sum, each) => sum + each.cuts, 0)
    const problems = figures.flatMap(each => each.problems)
    for (const problem of problems.slice(0, 5)) chaos.say(problem)
    const env = { ODRADEK_CUTS: String(chaos.count({ quick: 6, full: 200 })), ODRADEK_SEED: String(chaos.options.seed) }
    const { passed, failed } = await runTests(chaos, ['test/durability/torn-tail.test.ts'], env)
    return {
      cuts: chaos.options.isQuick ? { skipped: `${cuts} in a quick run` } : cuts,
      problems: problems.length,
      garbage: { value: failed, detail: `of ${passed + failed}` },
    }
  },
})
