/** What `npm run simulate` was asked to do. */
import { Misuse, readArguments, wholeNumber } from './command-line.ts'
import { type PlantedBug, plantedBugs } from './planted-bugs.ts'

export const usage = `npm run simulate -- [options]

  without options        1,000 seeds, then every planted bug until it is caught
  --seeds N              so many seeds
  --seed S               this one alone; with --seeds the first of so many
  --trace                with all that happens in it; goes with --seed
  --plant NAME           with this bug; without --seed: until it is caught
  --no-plants            leaves the planted bugs out
  --workers W            processes, default 2
  --minutes M            begins no seed after so long

ends with 0 when nothing was wrong and all bugs were caught, with 1 when not, with 2 when nothing was run

planted bugs: ${plantedBugs.map(({ name }) => name).join(', ')}`

export type SimulateCommand =
  | { kind: 'replay'; seed: number; planted: PlantedBug | undefined; withTrace: boolean }
  | { kind: 'catch'; planted: PlantedBug; workers: number }
  | { kind: 'search'; first: number; seeds: number; workers: number; minutes: number; withPlants: boolean }

const defaultSeeds = 1_000
const defaultWorkers = 2

/** Throws Misuse. */
export function simulateCommand(args: readonly string[]): SimulateCommand | 'help' {
  const { values } = readArguments({
    args: [...args],
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      workers: { type: 'string' },
      minutes: { type: 'string' },
      plant: { type: 'string' },
      trace: { type: 'boolean', default: false },
      'no-plants': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const seed = wholeNumber('seed', values.seed, 0)
  const seeds = wholeNumber('seeds', values.seeds, 1)
  const workers = wholeNumber('workers', values.workers, 1) ?? defaultWorkers
  const minutes = wholeNumber('minutes', values.minutes, 1) ?? Number.POSITIVE_INFINITY
  const planted = values.plant === undefined ? undefined : bugNamed(values.plant)
  if (planted !== undefined && (seeds !== undefined || values['no-plants']))
    throw new Misuse('--plant goes with --seed, or alone; leave out --seeds and --no-plants')
  if (seed !== undefined && seeds === undefined) return { kind: 'replay', seed, planted, withTrace: values.trace }
  if (values.trace) throw new Misuse('--trace goes with one seed: say which with --seed')
  if (planted !== undefined) return { kind: 'catch', planted, workers }
  const search = { first: seed ?? 1, seeds: seeds ?? defaultSeeds, workers, minutes }
  return { kind: 'search', ...search, withPlants: !values['no-plants'] }
}

function bugNamed(name: string): PlantedBug {
  const bug = plantedBugs.find(each => each.name === name)
  if (bug !== undefined) return bug
  throw new Misuse(`there is no planted bug "${name}"; there are ${plantedBugs.map(each => each.name).join(', ')}`)
}
