/** Runs seeds for `simulate.ts`, one after the other, in a process of its own; with a planted bug when it is given one. */
import { plantedBugs } from './planted-bugs.ts'
import { plant } from './planting.ts'
import type { SeedReport } from './simulation-report.ts'

const [planted] = process.argv.slice(2)
if (planted) plant(plantedBugs.find(({ name }) => name === planted)!)
const { isClean, outcomeText, simulate } = await import('./simulation.ts')

process.on('message', async (seed: number) => {
  const before = process.cpuUsage()
  const outcome = await simulate(seed)
  const { user, system } = process.cpuUsage(before)
  const { anomalies, failure, faultCounts, plan, recorder: _, ...rest } = outcome
  const report: SeedReport = {
    ...rest,
    profile: plan.profile,
    cpuMs: (user + system) / 1000,
    faults: [...faultCounts],
    anomalies: anomalies.map(({ name }) => name),
    ...(failure && { failure: failure.name }),
    text: isClean(outcome) ? '' : outcomeText(outcome),
  }
  process.send!(report)
})
process.send!('ready')
