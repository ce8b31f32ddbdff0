/** What the figures must reach. A row may have several bars; a bar whose figures are missing neither holds nor fails. */
import type { Row } from './row.ts'

export interface Bar {
  /** Of the rows whose name matches. */
  readonly of: RegExp
  readonly text: string
  readonly holds: (row: Row & { ours: number }) => boolean | undefined
}

const clients = ['kafkajs', '@platformatic/kafka']
const apache = 'Apache Kafka'

const atMost = (limit: number, unit: string): Pick<Bar, 'text' | 'holds'> => ({
  text: `≤ ${limit} ${unit}`,
  holds: row => row.ours <= limit,
})
const atLeast = (limit: number, unit: string): Pick<Bar, 'text' | 'holds'> => ({
  text: `≥ ${limit} ${unit}`,
  holds: row => row.ours >= limit,
})
const timesTheFaster = (factor: number, text: string): Pick<Bar, 'text' | 'holds'> => ({
  text,
  holds: row => {
    const best = Math.max(...clients.map(name => row.rivals[name] ?? Number.NaN))
    return Number.isNaN(best) ? undefined : row.ours >= factor * best
  },
})
const timesApache = (factor: number): Pick<Bar, 'text' | 'holds'> => ({
  text: `≥ ${factor}× ${apache}`,
  holds: row => (row.rivals[apache] === undefined ? undefined : row.ours >= factor * row.rivals[apache]),
})

const timesStreams = (factor: number): Pick<Bar, 'text' | 'holds'> => ({
  text: `≥ ${factor}× Kafka Streams`,
  holds: row => {
    const theirs = row.rivals['Kafka Streams']
    return theirs === undefined ? undefined : row.ours >= factor * theirs
  },
})

export const bars: readonly Bar[] = [
  { of: /^encode a batch, bytes/, ...atLeast(4, 'M/s') },
  { of: /^decode a batch, every part/, ...atLeast(4, 'M/s') },
  { of: /^decode a batch, records only$/, ...atLeast(8, 'M/s') },
  { of: /^produce 100 B, un-awaited/, ...timesTheFaster(10, '≥ 10× both') },
  { of: /^produce .*, batches/, ...timesTheFaster(3, '≥ 3× the faster') },
  { of: /^consume \d/, ...timesTheFaster(3, '≥ 3× the faster') },
  { of: /^transactions of 3 partitions/, ...atLeast(1_000, 'commits/s') },
  {
    of: /^consume read_committed/,
    text: '≥ 0.9× read_uncommitted',
    holds: row => row.ours >= 0.9 * row.rivals.read_uncommitted!,
  },
  { of: /^broker .*acks=1/, ...timesApache(1) },
  { of: /^broker fetch/, ...timesApache(1) },
  { of: /^broker .*acks=all/, ...timesApache(0.7) },
  {
    of: /^latency .* p99$/,
    text: `≤ ${apache}'s`,
    holds: row => (row.rivals[apache] === undefined ? undefined : row.ours <= row.rivals[apache]),
  },
  {
    of: /^acks=all with odradek/,
    text: '≥ 0.7× acks=1',
    holds: row => (row.rivals['acks=1'] === undefined ? undefined : row.ours >= 0.7 * row.rivals['acks=1']),
  },
  { of: /^compaction of dirty log/, ...atLeast(100, 'MB/s') },
  { of: /^compaction memory a key/, ...atMost(32, 'B') },
  { of: /^produce p99 beside compaction/, ...atMost(2, '×') },
  { of: /^share group/, ...atLeast(50_000, 'records/s') },
  { of: /^start from the shell/, ...atMost(500, 'ms') },
  { of: /^start in process/, ...atMost(50, 'ms') },
  { of: /^memory at rest/, ...atMost(110, 'MB') },
  { of: /^restart after kill -9/, ...atMost(2_000, 'ms') },
  { of: /^scale, start/, ...atMost(5_000, 'ms') },
  { of: /^scale, processor, 5,000/, ...atMost(5, '% of a core') },
  { of: /^scale, memory/, ...atMost(512, 'MB') },
  { of: /^streams, pass-through$/, ...timesStreams(1.5) },
  { of: /^streams, (word|tumbling) count$/, ...timesStreams(1) },
  { of: /^streams, .* join$/, ...timesStreams(1) },
  { of: /^streams, restore/, ...atLeast(500_000, 'records/s') },
  { of: /^streams, memory/, ...atMost(200, 'MB') },
  { of: /^streams, half in memory/, ...atLeast(0.3, '×') },
  { of: /^streams, linear/, ...atMost(1.2, '×') },
  { of: /^word count/, ...atMost(10, 's') },
]

export interface Verdict {
  readonly text: string
  readonly holds: boolean | undefined
}

export function verdictOf(row: Row): Verdict | undefined {
  const bar = bars.find(({ of }) => of.test(row.name))
  if (bar === undefined) return undefined
  return { text: bar.text, holds: row.ours === undefined ? undefined : bar.holds({ ...row, ours: row.ours }) }
}
