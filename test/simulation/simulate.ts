/**
 * `npm run simulate -- --seeds 10000`: many seeds in several processes, then every planted bug until it is caught. `simulate-command.ts`
 * has what else it can be asked for.
 */
import { execFileSync } from 'node:child_process'
import { commandOrUsage } from './command-line.ts'
import { type PlantedBug, plantedBugs } from './planted-bugs.ts'
import { plant } from './planting.ts'
import { runSeeds } from './seed-workers.ts'
import { type SimulateCommand, simulateCommand, usage } from './simulate-command.ts'
import { type SeedReport, signsOf, Totals } from './simulation-report.ts'

type Wanted<Kind> = Extract<SimulateCommand, { kind: Kind }>

/** A planted bug that shows in none of so many seeds has gone unnoticed. */
const mostSeedsForABug = 1_500
const progressEveryMs = 10_000

const command = commandOrUsage(usage, () => simulateCommand(process.argv.slice(2)))
process.exitCode = (await run(command)) ? 0 : 1

async function run(wanted: SimulateCommand): Promise<boolean> {
  if (wanted.kind === 'replay') return replay(wanted)
  if (wanted.kind === 'catch') return catchBugs([wanted.planted], wanted.workers)
  const isClean = await search(wanted)
  return (!wanted.withPlants || (await catchBugs(plantedBugs, wanted.workers))) && isClean
}

/** One seed in this process. */
async function replay({ seed, planted, withTrace }: Wanted<'replay'>): Promise<boolean> {
  if (planted !== undefined) plant(planted)
  const { isClean, outcomeText, simulate } = await import('./simulation.ts')
  const outcome = await simulate(seed)
  if (withTrace) for (const line of outcome.recorder.lines()) console.log(line)
  console.log(isClean(outcome) ? `seed ${seed}, ${outcome.plan.profile}: nothing wrong` : outcomeText(outcome))
  const commit = planted === undefined ? commitName() : `${commitName()} with the planted bug ${planted.name}`
  console.log(`trace ${outcome.hash}, commit ${commit}`)
  if (!isClean(outcome)) console.log(`again: ${again(seed, planted)}`)
  return isClean(outcome)
}

function again(seed: number, planted?: PlantedBug): string {
  return `npm run simulate -- --seed ${seed}${planted === undefined ? '' : ` --plant ${planted.name}`} --trace`
}

async function search({ first, seeds, workers, minutes }: Wanted<'search'>): Promise<boolean> {
  const totals = new Totals()
  const end = Date.now() + minutes * 60_000
  const last = first + seeds - 1
  let seed = first
  const progress = setInterval(() => console.log(totals.progress()), progressEveryMs)
  const started = Date.now()
  const run = {
    next: () => (seed <= last && Date.now() < end ? seed++ : undefined),
    done: (report: SeedReport) => {
      totals.add(report)
      if (report.text !== '') tell(report)
    },
  }
  await Promise.all(Array.from({ length: workers }, () => runSeeds(run)))
  clearInterval(progress)
  console.log(
    `\nsimulation of commit ${commitName()}, ${((Date.now() - started) / 1000).toFixed(0)} s with ${workers} workers`,
  )
  console.log(totals.summary())
  const { failed } = totals
  if (failed.length > 0) console.log(`\nfailed: seeds ${failed.map(({ seed }) => seed).join(', ')}`)
  return failed.length === 0
}

function tell({ seed, text }: SeedReport): void {
  console.log(`\n${text}\n  commit ${commitName()}; again: ${again(seed)}\n`)
}

async function catchBugs(bugs: readonly PlantedBug[], workers: number): Promise<boolean> {
  const waiting = [...bugs]
  let caught = 0
  const work = async () => {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) if (await catchBug(bug)) caught++
  }
  await Promise.all(Array.from({ length: workers }, work))
  console.log(`\n${caught} of ${bugs.length} planted bugs caught`)
  return caught === bugs.length
}

async function catchBug({ name, what, shownBy }: PlantedBug): Promise<boolean> {
  let seed = 0
  let shown: { seed: number; by: string } | undefined
  await runSeeds({
    planted: name,
    next: () => (shown === undefined && seed < mostSeedsForABug ? ++seed : undefined),
    done: report => {
      const by = signsOf(report).find(sign => shownBy.includes(sign))
      if (by !== undefined) shown ??= { seed: report.seed, by }
    },
  })
  const how = shown === undefined ? `NOT caught in ${seed} seeds` : `caught by ${shown.by}, seed ${shown.seed}`
  console.log(`  ${name.padEnd(30)} ${how.padEnd(44)} ${what}`)
  return shown !== undefined
}

function commitName(): string {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim()
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--', 'packages') === '' ? '' : ' with changes'}`
  } catch {
    return 'unknown'
  }
}
