/** Records into a topic, from the command line, a file or a pipe. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { type ProducerRecord, topic } from '@odradek/client'
import { UsageError } from '@odradek/protocol'
import { type Call, type Command, command, need } from '../command.ts'
import { connect } from '../connect.ts'
import { fromJsonLine } from '../output/record-json.ts'
import { unescaped } from '../output/record-template.ts'
import { tellingOfTrouble } from '../producer-trouble.ts'

const flags = {
  key: { type: 'string', short: 'k', value: 'KEY', help: 'the key of every record' },
  header: { type: 'string', short: 'H', multiple: true, value: 'NAME=VALUE', help: 'a header on every record' },
  partition: { type: 'string', short: 'p', value: 'N', help: 'the partition; else the key decides' },
  delimiter: { type: 'string', short: 'K', value: 'TEXT', help: 'lines are KEY, this, VALUE' },
  null: { type: 'boolean', short: 'Z', help: 'an empty key or value is null' },
  ndjson: {
    type: 'boolean',
    help: 'lines are JSON as `consume -o ndjson` prints them; the key decides on the partition',
  },
  'keep-partitions': { type: 'boolean', help: 'with --ndjson: into the partitions the lines name' },
  file: { type: 'string', short: 'l', value: 'FILE', help: 'read lines from a file, not from stdin' },
  compression: { type: 'string', short: 'z', value: 'CODEC', help: 'none, gzip, snappy, lz4 or zstd' },
  acks: { type: 'string', value: 'all|1|0', help: 'what counts as written (default all)' },
} as const

type Flags = typeof flags
type Input = ProducerRecord<Uint8Array, Uint8Array>

export const produce: Command<typeof flags> = command({
  name: 'produce',
  summary: 'Writes VALUE, or every line of stdin, as a record.',
  args: 'TOPIC [VALUE]',
  flags,
  examples: [
    'odradek produce orders -k o1 \'{"total":9}\'',
    'odradek produce lines -l book.txt',
    'odradek consume a --until end -o ndjson | odradek produce b --ndjson',
  ],
  async run(call) {
    const [name, value] = target(call)
    await using kafka = connect(call.flags)
    await using producer = kafka.producer({
      acks: acksOf(call.flags.acks),
      compression: (call.flags.compression ?? 'none') as 'none',
    })
    const records = value === undefined ? readRecords(call) : [oneRecord(call, value)]
    using _ = tellingOfTrouble()
    const { count } = await producer.sendAll(topic(name!), records, { signal: call.signal })
    if (call.args.length < 2)
      process.stderr.write(`${count} ${count === 1 ? 'record' : 'records'} written to ${name}\n`)
    return 0
  },
})

/** The topic, and the value where it stands on the command line. */
function target(call: Call<Flags>): [string, string | undefined] {
  if (call.args.length === 2) return call.args as [string, string]
  const [name] = need(call, ['TOPIC'], produce)
  return [name!, undefined]
}

async function* readRecords(call: Call<Flags>): AsyncIterable<Input> {
  const input = call.flags.file === undefined ? process.stdin : createReadStream(call.flags.file)
  // An unreadable file is an error of the stream, which the line reader would not tell.
  const failed = new Promise<never>((_, reject) => input.once('error', reject))
  failed.catch(() => {})
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]()
  for (let n = 1; ; n++) {
    const next = await Promise.race([lines.next(), failed])
    if (next.done) return
    if (call.flags.ndjson && next.value.trim() === '') continue
    yield call.flags.ndjson ? jsonRecord(call, next.value, n) : oneRecord(call, next.value)
  }
}

function jsonRecord({ flags }: Call<Flags>, line: string, lineNumber: number): Input {
  const { partition, ...record } = fromJsonLine(line, lineNumber)
  return flags['keep-partitions'] && partition !== undefined ? { ...record, partition } : record
}

function oneRecord({ flags }: Call<Flags>, line: string): Input {
  const delimiter = flags.delimiter === undefined ? undefined : unescaped(flags.delimiter)
  const at = delimiter === undefined ? -1 : line.indexOf(delimiter)
  const key = at < 0 ? flags.key : line.slice(0, at)
  const value = at < 0 ? line : line.slice(at + delimiter!.length)
  return {
    key: key === undefined ? null : bytesOrNull(key, flags.null),
    value: bytesOrNull(value, flags.null),
    headers: (flags.header ?? []).map(headerOf),
    ...(flags.partition !== undefined && { partition: partitionOf(flags.partition) }),
  }
}

const bytesOrNull = (text: string, emptyIsNull: boolean | undefined): Uint8Array | null =>
  emptyIsNull && text === '' ? null : Buffer.from(text)

function headerOf(text: string): [string, Uint8Array | null] {
  const at = text.indexOf('=')
  if (at < 1) throw new UsageError(`-H ${text} is not NAME=VALUE.`)
  return [text.slice(0, at), Buffer.from(text.slice(at + 1))]
}

function partitionOf(text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`-p ${text} is no partition: write 0, 1, 2, …`)
  return Number(text)
}

function acksOf(text: string | undefined): 'all' | 0 | 1 {
  if (text === undefined || text === 'all' || text === '-1') return 'all'
  if (text === '0' || text === '1') return Number(text) as 0 | 1
  throw new UsageError(`--acks ${text} is none of all, 1, 0.`)
}
