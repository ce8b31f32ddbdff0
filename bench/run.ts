/**
 * `npm run bench`: one table, every row measured in this run.
 *
 *     npm run bench                          everything; with Apache Kafka where Java and Maven are present
 *     npm run bench -- producer consumer     some families
 *     npm run bench -- --no-apache           without Apache Kafka
 *     npm run bench -- --json FILE           the rows to a file too
 */
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { verdictOf } from './bars.ts'
import { brokerFamily } from './broker.ts'
import { codecBench } from './codec.ts'
import { commitFamily } from './commit-path.ts'
import { compactionFamily } from './compaction.ts'
import { consumerFamily } from './consumer.ts'
import { latencyFamily } from './latency.ts'
import { memoryFamily } from './memory.ts'
import { benchPlace } from './place.ts'
import { producerFamily } from './producer.ts'
import { restartFamily } from './restart.ts'
import type { Family, Row } from './row.ts'
import { scaleFamily } from './scale.ts'
import { shareGroupFamily } from './share-group.ts'
import { startFamily } from './start.ts'
import { streamsFamily } from './streams.ts'
import { formatTable } from './table.ts'
import { transactionsFamily } from './transactions.ts'
import { wordCountFamily } from './word-count.ts'

const families: Record<string, Family> = {
  codec: async place => {
    place.say('codec')
    return codecBench()
  },
  producer: producerFamily,
  consumer: consumerFamily,
  latency: latencyFamily,
  broker: brokerFamily,
  commit: commitFamily,
  start: startFamily,
  memory: memoryFamily,
  compaction: compactionFamily,
  scale: scaleFamily,
  restart: restartFamily,
  'share-group': shareGroupFamily,
  streams: streamsFamily,
  transactions: transactionsFamily,
  'word-count': wordCountFamily,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, 'no-apache': { type: 'boolean' } },
})
const unknown = positionals.filter(name => !(name in families))
if (unknown.length > 0) {
  console.error(`no such figures: ${unknown.join(', ')}. There are: ${Object.keys(families).join(', ')}.`)
  process.exit(2)
}

const began = performance.now()
const rows = await measure(positionals.length > 0 ? positionals : Object.keys(families))
console.log(
  `\n${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}\n`,
)
console.log(formatTable(rows))
console.log(
  `\n${Math.round((performance.now() - began) / 1_000)} s. In brackets: how many times as good as theirs ours is.`,
)
if (values.json !== undefined)
  await writeFile(
    values.json,
    `${JSON.stringify(
      rows.map(row => ({ ...row, bar: verdictOf(row) })),
      undefined,
      2,
    )}\n`,
  )
process.exit(0)

/** The first lines: what a broker said before it ended can be long. */
function reasonOf({ message }: Error): string {
  return message.split('\n').slice(0, 3).join(' ')
}

/** A family that fails is a row that says why; the others go on. */
async function measure(names: readonly string[]): Promise<Row[]> {
  await using place = benchPlace({ withApache: !values['no-apache'], say: what => process.stderr.write(`… ${what}\n`) })
  const rows: Row[] = []
  for (const name of names) {
    try {
      rows.push(...(await families[name]!(place)))
    } catch (error) {
      rows.push({ name, unit: '', rivals: {}, missing: `${name}: ${reasonOf(error as Error)}` })
    }
  }
  return rows
}
