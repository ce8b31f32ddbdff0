/**
 * `npm run simulate -- --seeds 10000`: many seeds in several processes, then every planted bug until it is caught.
 *
 *     --seeds N     so many, default 1,000        --workers W   processes, default 2
 *     --seed S      this one alone; with --seeds the first of so many
 *     --trace       with all that happens in it   --minutes M   begins no seed after so long
 *     --plant NAME  with this bug; without --seed: until it is caught
 *     --no-plants   leaves the planted bugs out
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { type PlantedBug, plantedBugs } from './planted-bugs.ts'
import { plant } from './planting.ts'
import { runSeeds } from './seed-workers.ts'
import { type SeedReport, signsOf, Totals } from './simulation-report.ts'

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    workers: { type: 'string', default: '2' },
    minutes: { type: 'string' },
    plant: { type: 'string' },
    trace: { type: 'boolean', default: false },
    'no-plants': { type: 'boolean', default: false },
  },
})

/** A planted bug that shows in none of so many seeds has gone unnoticed. */
const mostSeedsForABug = 1_500
const progressEveryMs = 10_000
const workers = Number(options.workers)
const planted = options.plant === undefined ? undefined : bugNamed(options.plant)

let isGood: boolean
if (options.seed !== undefined && options.seeds === undefined) isGood = await replay(Number(options.seed))
else if (planted !== undefined) isGood = await catchBugs([planted])
else {
  isGood = await search()
  if (!options['no-plants']) isGood = (await catchBugs(plantedBugs)) && isGood
}
process.exitCode = isGood ? 0 : 1

/** One seed in this process. */
async function replay(seed: number): Promise<boolean> {
  if (planted !== undefined) plant(planted)
  const { isClean, outcomeText, simulate } = await import('./simulation.ts')
  const outcome = await simulate(seed)
  if (options.trace) for (const line of outcome.recorder.lines()) console.log(line)
  console.log(isClean(outcome) ? `seed ${seed}, ${outcome.plan.profile}: nothing wrong` : outcomeText(outcome))
  console.log(`trace ${outcome.hash}, commit ${commit()}`)
  return isClean(outcome)
}

async function search(): Promise<boolean> {
  const totals = new Totals()
  const end = options.minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + Number(options.minutes) * 60_000
  const first = Number(options.seed ?? 1)
  const last = first + Number(options.seeds ?? 1_000) - 1
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
    `\nsimulation of commit ${commit()}, ${((Date.now() - started) / 1000).toFixed(0)} s with ${workers} workers`,
  )
  console.log(totals.summary())
  const { failed } = totals
  if (failed.length > 0) console.log(`\nfailed: seeds ${failed.map(({ seed }) => seed).join(', ')}`)
  return failed.length === 0
}

function tell({ seed, text }: SeedReport): void {
  console.log(`\n${text}\n  commit ${commit()}; again: npm run simulate -- --seed ${seed} --trace\n`)
}

async function catchBugs(bugs: readonly PlantedBug[]): Promise<boolean> {
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

function bugNamed(name: string): PlantedBug {
  const bug = plantedBugs.find(each => each.name === name)
  if (bug === undefined)
    throw new Error(`no planted bug ${name}: there are ${plantedBugs.map(each => each.name).join(', ')}`)
  return bug
}

function commit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim()
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--', 'packages') === '' ? '' : ' with changes'}`
  } catch {
    return 'unknown'
  }
}
