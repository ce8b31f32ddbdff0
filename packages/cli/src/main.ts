import { type Command, helpText, parseCall } from './command.ts'
import { families, findCommand, overview } from './commands.ts'
import { describeFailure } from './failure.ts'

/**
 * The entry: finds the command, runs it, turns what it throws into one message and an exit code.
 * 0 done · 1 it failed · 2 the call or the configuration is wrong · 130 interrupted
 */
async function main(argv: string[]): Promise<number> {
  if (argv[0] === '--version' || argv[0] === '-V') return print(`${await version()}\n`)
  if (argv.length === 0 || argv[0] === '--help' || argv[0] === '-h' || argv[0] === 'help')
    return print(await overview(argv.slice(1)))
  const found = await findCommand(argv)
  if ('family' in found) {
    const asked = found.rest.length === 0 || found.rest[0] === '-h' || found.rest[0] === '--help'
    if (asked) return print(await overview([found.family]))
    process.stderr.write(
      `odradek: there is no '${found.family} ${found.rest[0]}'.\n\n${await overview([found.family])}`,
    )
    return 2
  }
  if ('unknown' in found) {
    process.stderr.write(
      `odradek: there is no command '${found.unknown}'. There are: ${Object.keys(families).join(', ')}.\n`,
    )
    return 2
  }
  return runCommand(found.command, found.rest)
}

async function runCommand(command: Command<any>, argv: string[]): Promise<number> {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second one means it.
      if (interrupted.signal.aborted) process.exit(130)
      interrupted.abort(new Error(`${signal} was received`))
    })
  }
  const call = parseCall(command, argv, interrupted.signal)
  if (call.flags.help) return print(helpText(command))
  return (await command.run(call)) ?? 0
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

async function version(): Promise<string> {
  const { default: manifest } = await import('../package.json', { with: { type: 'json' } })
  return `odradek ${manifest.version} (node ${process.versions.node})`
}

// A reader that went away (`odradek consume … | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const { message, exitCode } = describeFailure(error)
  process.stderr.write(`odradek: ${message}\n`)
  process.exitCode = exitCode
}
