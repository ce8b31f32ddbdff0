import type { Command } from './command.ts'

/** Every command, by family. A family is loaded only when it is called: start-up is a figure we keep. */
interface Family {
  summary: string
  load(): Promise<Record<string, Command<any>>>
}

export const families: Readonly<Record<string, Family>> = {
  dev: { summary: 'everything on one machine, in the foreground', load: () => import('./commands/dev.ts') },
  serve: { summary: 'a broker', load: () => import('./commands/serve.ts') },
  topic: {
    summary: 'ls, create, describe, alter, delete, add-partitions, trim',
    load: () => import('./commands/topic.ts'),
  },
  produce: { summary: 'lines, keyed lines or NDJSON into a topic', load: () => import('./commands/produce.ts') },
  consume: { summary: 'records of topics, printed', load: () => import('./commands/consume.ts') },
  group: { summary: 'ls, describe, lag, reset, delete', load: () => import('./commands/group.ts') },
  streams: {
    summary: 'ls, describe, delete, reset: Streams applications',
    load: () => import('./commands/streams.ts'),
  },
  tx: { summary: 'ls, describe, abort: transactions', load: () => import('./commands/tx.ts') },
  log: {
    summary: 'verify, dump, repair, backup, restore: the files of a data folder',
    load: () => import('./commands/log.ts'),
  },
  cluster: { summary: 'info', load: () => import('./commands/cluster.ts') },
  demo: { summary: 'word-count: a book through a broker into a live count', load: () => import('./commands/demo.ts') },
  bench: { summary: 'produce and consume rates of a cluster', load: () => import('./commands/bench.ts') },
}

type Found = { command: Command<any>; rest: string[] } | { family: string; rest: string[] } | { unknown: string }

/** `topic ls …` is the command named 'topic ls'; `serve …` the one named 'serve'. */
export async function findCommand(argv: string[]): Promise<Found> {
  const [first, second] = argv as [string, string | undefined]
  const family = Object.hasOwn(families, first) ? families[first] : undefined
  if (!family) return { unknown: first }
  const commands = Object.values(await family.load())
  const whole = commands.find(command => command.name === first)
  if (whole) return { command: whole, rest: argv.slice(1) }
  const part = commands.find(command => command.name === `${first} ${second}`)
  return part ? { command: part, rest: argv.slice(2) } : { family: first, rest: argv.slice(1) }
}

/** Help for the whole tool, or for one family. */
export async function overview(names: string[]): Promise<string> {
  const name = names[0] ?? ''
  const family = Object.hasOwn(families, name) ? families[name] : undefined
  if (!family) {
    const lines = Object.entries(families).map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
    return `odradek: streams of records, kept and processed; speaks Kafka's protocol\n\nUsage: odradek COMMAND [flags]\n\n${lines.join('\n')}\n\n\`odradek COMMAND --help\` says more. First time here: odradek dev\n`
  }
  const commands = Object.values(await family.load())
  const lines = commands.map(({ name, args, summary }) => `  ${`${name} ${args ?? ''}`.padEnd(36)} ${summary}`)
  return `Usage: odradek ${names[0]} …\n\n${lines.join('\n')}\n`
}
