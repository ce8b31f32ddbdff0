/** What `npm run chaos` was asked to do. */
import { Misuse, readArguments, wholeNumber } from '../simulation/command-line.ts'
import type { ChaosOptions } from './chaos.ts'
import { items } from './items/index.ts'

export const usage = `npm run chaos -- [items] [options]

  without items          all of them
  --quick                a few rounds of each, no soak
  --seed S               with the chance of an earlier run
  --soak-minutes N       how long R18 takes, default 60; 0 leaves it out
  --json FILE            the figures, for programs

ends with 0 when every figure reaches its bar, with 1 when one does not, with 2 when nothing was run

${items.map(({ id, what }) => `  ${id.padEnd(5)}${what}`).join('\n')}`

export interface ChaosCommand {
  ids: string[]
  options: ChaosOptions
  json: string | undefined
}

const defaultSoakMinutes = 60

/** Throws Misuse. */
export function chaosCommand(args: readonly string[]): ChaosCommand | 'help' {
  const { values, positionals } = readArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      seed: { type: 'string' },
      'soak-minutes': { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const all = items.map(({ id }) => id)
  const wanted = positionals.map(id => id.toUpperCase())
  const unknown = wanted.filter(id => !all.includes(id))
  if (unknown.length > 0) throw new Misuse(`there is no ${unknown.join(', ')}; there are ${all.join(', ')}`)
  const seed = wholeNumber('seed', values.seed, 0) ?? Date.now() % 1_000_000
  const soakMinutes = wholeNumber('soak-minutes', values['soak-minutes'], 0) ?? (values.quick ? 0 : defaultSoakMinutes)
  const ids = wanted.length === 0 ? all : all.filter(id => wanted.includes(id))
  return { ids, options: { seed, isQuick: values.quick, soakMinutes }, json: values.json }
}
