/** Arguments of `npm run simulate` and `npm run chaos`. What is wrong with them is told in one sentence, before anything runs. */
import { type ParseArgsConfig, parseArgs } from 'node:util'

/** Nobody can run what was asked for; the message says what to ask instead. */
export class Misuse extends Error {}

/** Like `parseArgs`, for arguments that are all named in `usage`. */
export function readArguments<const Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs<Config>(config)
  } catch (error) {
    if (!String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS')) throw error
    const [sentence] = (error as Error).message.split(/\.\s/)
    throw new Misuse(`${sentence}; --help says what there is`)
  }
}

/** Undefined when the option was not given. */
export function wholeNumber(option: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number
  throw new Misuse(`--${option} takes a whole number, ${least} or more, not "${text}"`)
}

/** The command as it was asked for. Ends the process with 2 when that cannot be, with 0 when only help was asked for. */
export function commandOrUsage<Command>(usage: string, read: () => Command | 'help'): Command {
  try {
    const command = read()
    if (command !== 'help') return command
    process.stdout.write(`${usage}\n`)
    process.exit(0)
  } catch (error) {
    if (!(error instanceof Misuse)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(2)
  }
}
