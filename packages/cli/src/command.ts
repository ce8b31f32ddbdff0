import { parseArgs } from 'node:util'
import { UsageError } from '@odradek/protocol'
import { outputFormat } from './output/rows.ts'

/**
 * A command as data: help, parsing and completion come from the same declaration. Its flags' types follow from it.
 *
 *     export const ls = command({ name: 'topic ls', summary: '…', flags: { internal: { type: 'boolean', help: '…' } }, run: async ({ flags }) => … })
 */
export interface Command<F extends Flags = Flags> {
  name: string
  summary: string
  /** Positional arguments as help prints them: `TOPIC`, `[FILE…]`. */
  args?: string
  flags?: F
  /** It asks no broker, and takes no `--broker`. */
  asksNoBroker?: true
  /** Lines for "Examples", without the prompt. */
  examples?: readonly string[]
  /** The exit code, 0 when nothing is returned. */
  run(call: Call<F>): Promise<number | undefined> | number | undefined
}

export interface Flag {
  type: 'string' | 'boolean'
  short?: string
  multiple?: true
  /** What stands for the value in help: `HOST:PORT`. */
  value?: string
  help: string
}

export type Flags = Readonly<Record<string, Flag>>

export interface Call<F extends Flags> {
  args: string[]
  flags: FlagValues<F & GlobalFlags>
  /** Aborts at SIGINT and SIGTERM: a command that runs on ends then, cleanly. */
  signal: AbortSignal
}

export type FlagValues<F extends Flags> = {
  [K in keyof F]?: F[K] extends { multiple: true } ? string[] : F[K]['type'] extends 'boolean' ? boolean : string
}

/** Every command has these. */
export const globalFlags: GlobalFlags = {
  broker: {
    type: 'string',
    short: 'b',
    value: 'HOST:PORT',
    help: 'the cluster; else ODRADEK_BROKER, else 127.0.0.1:9092',
  },
  output: { type: 'string', short: 'o', value: 'FORMAT', help: 'table, json, ndjson or yaml' },
  help: { type: 'boolean', short: 'h', help: 'this text' },
}

type Text = Flag & { type: 'string' }
type Switch = Flag & { type: 'boolean' }
export type GlobalFlags = { broker: Text; output: Text; help: Switch }

export const command = <const F extends Flags>(definition: Command<F>): Command<F> => definition

/** Throws UsageError with what to write instead. */
export function parseCall<F extends Flags>(definition: Command<F>, argv: string[], signal: AbortSignal): Call<F> {
  const options = flagsOf(definition)
  let call: Call<F>
  try {
    const { values, positionals } = parseArgs({
      args: joinNegative(argv, options),
      options,
      allowPositionals: true,
      allowNegative: false,
      strict: true,
    })
    call = { args: positionals, flags: values as Call<F>['flags'], signal }
  } catch (error) {
    const text = (error as Error).message.split('. To specify')[0]!.replace(/\.$/, '')
    throw new UsageError(`${text}. \`odradek ${definition.name} --help\` lists what there is.`)
  }
  // Before anything is done: a wrong flag must not be found out after the topic was made.
  if (!call.flags.help) {
    outputFormat(call.flags.output as string | undefined)
    if (definition.args === undefined && call.args.length > 0)
      throw new UsageError(`'${call.args[0]}' is one argument too many for odradek ${definition.name}.`)
  }
  return call
}

function flagsOf({ flags, asksNoBroker }: Command<any>): Flags {
  const { broker, ...others } = globalFlags
  return { ...flags, ...(asksNoBroker !== true && { broker }), ...others }
}

/** `--to -10` as `--to=-10`, `-p -1` as `-p-1`: what follows a flag that takes a value and looks like a number is its value. */
function joinNegative(argv: string[], options: Flags): string[] {
  const joined: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const [arg, next] = [argv[i]!, argv[i + 1]]
    const isNumber = next !== undefined && /^-\d/.test(next)
    if (isNumber && arg.startsWith('--') && options[arg.slice(2)]?.type === 'string') joined.push(`${arg}=${argv[++i]}`)
    else if (isNumber && isShort(arg, options)) joined.push(`${arg}${argv[++i]}`)
    else joined.push(arg)
  }
  return joined
}

const isShort = (arg: string, options: Flags): boolean =>
  Object.values(options).some(({ type, short }) => type === 'string' && short !== undefined && arg === `-${short}`)

/** Lines of help for one command. */
export function helpText(definition: Command<any>): string {
  const flagLines = Object.entries<Flag>(flagsOf(definition)).map(([name, flag]) => {
    const left = `${flag.short ? `-${flag.short}, ` : '    '}--${name}${flag.type === 'string' ? ` ${flag.value ?? 'VALUE'}` : ''}`
    return `  ${left.padEnd(30)} ${flag.help}${flag.multiple ? ' (may be repeated)' : ''}`
  })
  const lines = [
    `${definition.summary}`,
    '',
    `Usage: odradek ${[definition.name, definition.args, '[flags]'].filter(Boolean).join(' ')}`,
    '',
    ...flagLines,
  ]
  if (definition.examples) lines.push('', 'Examples:', ...definition.examples.map(example => `  ${example}`))
  return `${lines.join('\n')}\n`
}

/** The one positional argument a command needs, or several; says which is missing. */
export function need(call: { args: string[] }, names: readonly string[], definition: { name: string }): string[] {
  const missing = names[call.args.length]
  if (missing !== undefined)
    throw new UsageError(`${missing} is missing. Write: odradek ${definition.name} ${names.join(' ')}`)
  if (call.args.length > names.length)
    throw new UsageError(`'${call.args[names.length]}' is one argument too many for odradek ${definition.name}.`)
  return call.args
}
