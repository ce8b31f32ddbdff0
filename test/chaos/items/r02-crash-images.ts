/**
 * The power fails: every write, sync and change of a name of a log at work is recorded, and the log started again on what the disk may
 * hold after a failure at every sync and at many other moments.
 */
import { crashAll } from '../images/crash-all.ts'
import { recordHistory } from '../images/engine-history.ts'
import { type Finding, findings } from '../images/image-check.ts'
import { atLeast, item, none } from '../item.ts'

export const crashImages = item({
  id: 'R2',
  what: 'crash images',
  bars: {
    images: atLeast(10_000, 'images recovered'),
    failedStarts: none('images on which it does not start'),
    lost: none('acknowledged records lost'),
    phantoms: none('records that nobody wrote there'),
    regressed: none('committed offsets that went back'),
    unfounded: none('committed offsets that nobody committed'),
    starts: none('log starts that went back, or too far'),
  },
  async run(chaos) {
    const sums = Object.fromEntries(findings.map(name => [name, 0])) as Record<Finding, number>
    let images = 0
    let syncs = 0
    for (let history = 0; history < chaos.count({ quick: 2, full: 20 }); history++) {
      const seed = chaos.options.seed + history
      const journal = await recordHistory(seed, chaos.count({ quick: 50, full: 150 }))
      const outcome = await crashAll(journal, seed, found => {
        for (const { finding, what } of found) if (sums[finding]++ < 5) chaos.say(`seed ${seed}, ${finding}: ${what}`)
      })
      images += outcome.images
      syncs += outcome.syncs
    }
    const detail = `at ${syncs} syncs and as many other moments`
    const enough = chaos.options.isQuick ? { skipped: `${images} in a quick run` } : { value: images, detail }
    return { images: enough, ...sums }
  },
})
