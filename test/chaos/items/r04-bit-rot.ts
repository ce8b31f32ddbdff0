/** One flipped bit in any kind of file: found or harmless, nothing but the batch it hit is lost, and nobody else notices. */
import { bitRot } from '../../durability/bit-rot.ts'
import { atLeast, item, none } from '../item.ts'
import { runTests } from '../load/test-run.ts'

export const rottenBits = item({
  id: 'R4',
  what: 'a flipped bit',
  bars: {
    flips: atLeast(1_000, 'flips in each kind of file'),
    problems: none('flips unnoticed, or that cost more than the batch they hit'),
    copies: none('failed tests of folders copied while running'),
  },
  async run(chaos) {
    const { seed } = chaos.options
    const flipsPerKind = chaos.count({ quick: 5, full: 1_000 })
    const figures = await bitRot({
      flipsPerKind,
      seed,
      progress: ({ kind, flips, said, answered, harmless }) =>
        chaos.say(`${kind}: ${flips} flips, ${said} told of, ${answered} answered as damaged, ${harmless} harmless`),
    })
    const problems = figures.flatMap(each => each.problems)
    const copies = chaos.count({ quick: 2, full: 50 })
    const env = { ODRADEK_COPIES: String(copies), ODRADEK_SEED: String(seed) }
    const copied = await runTests(chaos, ['test/durability/running-copy.test.ts'], env)
    for (const problem of problems.slice(0, 5)) chaos.say(problem)
    const fewest = Math.min(...figures.map(each => each.flips))
    return {
      flips: chaos.options.isQuick ? { skipped: `${fewest} in a quick run` } : fewest,
      problems: { value: problems.length, detail: `in ${figures.length} kinds of files` },
      copies: { value: copied.failed, detail: `of ${copies}` },
    }
  },
})
