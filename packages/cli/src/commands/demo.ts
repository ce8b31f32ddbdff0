/** The demos. Each uses the broker it is given, or starts one. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Broker } from '@odradek/broker'
import type { Kafka } from '@odradek/client'
import { UsageError } from '@odradek/protocol'
import { realClock } from '@odradek/world'
import { type Command, command } from '../command.ts'
import { connect } from '../connect.ts'
import { number } from '../demo/count-view.ts'
import { Screen } from '../demo/screen.ts'
import { summary, WordCount } from '../demo/word-count.ts'
import { applicationId, inputTopic, outputTopic } from '../demo/word-count-topology.ts'

const book = fileURLToPath(new URL('../../data/moby-dick.txt', import.meta.url))

const flags = {
  once: { type: 'boolean', help: 'end when the last count has settled; exit 0 if it is right' },
  data: { type: 'string', value: 'DIR', help: "the embedded broker's folder (default ./odradek-data)" },
  listen: {
    type: 'string',
    value: 'HOST:PORT',
    help: "the embedded broker's address (default 127.0.0.1:9092, or a free port)",
  },
} as const

export const wordCount: Command<typeof flags> = command({
  name: 'demo word-count',
  summary:
    'A book, or files, line by line through a broker into a live word count. Without -b it starts a broker of its own.',
  args: '[FILE…]',
  flags,
  examples: ['odradek demo word-count', 'odradek demo word-count notes.txt -b 127.0.0.1:9092 --once'],
  async run({ args, flags, signal }) {
    const lines = await linesOf(args.length > 0 ? args : [book])
    const screen = new Screen(process.stdout)
    const embedded =
      flags.broker === undefined && !process.env.ODRADEK_BROKER ? await startEmbedded(flags, screen) : undefined
    await using kafka = connect(embedded ? { broker: embedded.bootstrap } : flags, { retryTimeoutMs: 30_000 })
    if (embedded) await forgetEarlierRun(kafka, signal)
    const title = args.length > 0 ? args.map(path => basename(path)).join(', ') : 'Moby-Dick; or, The Whale'
    screen.print(`${title}\n${number(lines.length)} lines → ${inputTopic} → ${outputTopic}\n\n`)
    const demo = new WordCount({ kafka, clock: realClock, screen, title, lines, signal })
    try {
      await demo.prepare()
      const result = await demo.run()
      screen.settle()
      screen.print(`\n${summary(result)}`)
      if (flags.once || signal.aborted) return signal.aborted ? 130 : Number(result.wrong.length > 0)
      if (embedded) screen.print(whatNext(embedded.bootstrap))
      await demo.follow((word, count) => screen.print(`  ${word} → ${count}\n`))
      return 0
    } finally {
      await demo.close()
      await kafka.close()
      await embedded?.close({ drain: true })
    }
  },
})

async function linesOf(paths: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(paths.map(path => readFile(path, 'utf8')))
  return texts.flatMap(text => text.split(/\r?\n/)).filter(line => line.trim() !== '')
}

/** On the usual port, or on a free one when that is taken: a demo is no reason to stop what runs there. */
async function startEmbedded(flags: { data?: string; listen?: string }, screen: Screen): Promise<Broker> {
  const { startBroker } = await import('../start-broker.ts')
  const data = flags.data ?? './odradek-data'
  const start = (listen: string) => startBroker({ data, listen, quiet: true })
  try {
    const broker = await start(flags.listen ?? '127.0.0.1:9092')
    screen.print(`broker on ${broker.bootstrap}, data in ${data}\n`)
    return broker
  } catch (error) {
    const isTaken = error instanceof UsageError && error.code === 'PORT_TAKEN'
    if (!isTaken || flags.listen !== undefined) throw error
    const broker = await start('127.0.0.1:0')
    screen.print(`broker on ${broker.bootstrap} (9092 is taken), data in ${data}\n`)
    return broker
  }
}

/** The demo's own topics, in the demo's own broker: so that every run counts the book once. */
async function forgetEarlierRun(kafka: Kafka, signal: AbortSignal): Promise<void> {
  const admin = kafka.admin()
  const topics = await Array.fromAsync(admin.topics.list({ signal }))
  const ours = topics
    .map(({ name }) => name)
    .filter(name => name === inputTopic || name === outputTopic || name.startsWith(`${applicationId}-`))
  if (ours.length > 0) await admin.topics.delete(ours, { signal })
  const groups = await admin.groups.list({ signal })
  if (groups.some(({ groupId }) => groupId === applicationId)) await admin.groups.delete(applicationId, { signal })
}

function whatNext(bootstrap: string): string {
  const to = bootstrap === '127.0.0.1:9092' ? '' : ` -b ${bootstrap}`
  return [
    '',
    'The broker stays up, and goes on counting. Try, in another terminal:',
    `  npx odradek consume ${outputTopic}${to} --value-as int64 -f '%k %v\\n' --until end | tail`,
    `  npx odradek produce ${inputTopic}${to} 'all streams lead to the sea'   # and watch here`,
    `  npx odradek topic ls${to} --internal`,
    `  npx odradek group lag ${applicationId}${to}`,
    `  kcat -b ${bootstrap} -C -t ${inputTopic} -o beginning -c 5`,
    'Ctrl-C ends it.',
    '',
    '',
  ].join('\n')
}
