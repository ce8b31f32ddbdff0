/** Records of topics, printed: alone from anywhere, or as a member of a group. */
import {
  type ConsumerEngine,
  createConsumerEngine,
  type Kafka,
  type PartitionBatch,
  type TopicPartition,
} from '@odradek/client'
import { UsageError } from '@odradek/protocol'
import { realClock } from '@odradek/world'
import { type Call, type Command, command } from '../command.ts'
import { connect } from '../connect.ts'
import { recordPrinter } from '../output/record-printer.ts'
import { parseCount } from '../start-broker.ts'
import { type From, parseFrom } from '../start-position.ts'
import { decoderFor } from '../value-decoder.ts'

const flags = {
  format: {
    type: 'string',
    short: 'f',
    value: 'TEMPLATE',
    help: "kcat's tokens: %t %p %o %k %v %h %T %K %S (default '%v\\n')",
  },
  from: {
    type: 'string',
    value: 'WHERE',
    help: 'start, end, an offset, -10, @-1h (default start; in a group: where it stopped)',
  },
  until: { type: 'string', value: 'end', help: 'end: stop at what is the end now' },
  exit: { type: 'boolean', short: 'e', help: 'the same as --until end' },
  count: { type: 'string', short: 'n', value: 'N', help: 'stop after N records' },
  group: {
    type: 'string',
    short: 'g',
    value: 'GROUP',
    help: 'as a member of a group, which remembers how far it came',
  },
  partition: { type: 'string', short: 'p', value: 'N', help: 'this partition only' },
  'key-as': { type: 'string', value: 'KIND', help: 'text, int32, int64, double or hex' },
  'value-as': { type: 'string', value: 'KIND', help: 'text, int32, int64, double or hex' },
} as const

type ConsumeCall = Call<typeof flags>

export const consume: Command<typeof flags> = command({
  name: 'consume',
  summary: 'Prints the records of topics, and waits for more. `-o ndjson` prints what `produce --ndjson` takes.',
  args: 'TOPIC…',
  flags,
  examples: [
    "odradek consume orders -f '%p/%o %k %v\\n'",
    'odradek consume orders --from -5 --until end -o ndjson',
    'odradek consume streams-wordcount-output --value-as int64 -f "%k %v\\n"',
  ],
  async run(call) {
    const { args, signal } = call
    if (args.length === 0) throw new UsageError('TOPIC is missing. Write: odradek consume TOPIC')
    if (call.flags.until !== undefined && call.flags.until !== 'end')
      throw new UsageError(`--until ${call.flags.until} is not 'end'.`)
    await using kafka = connect(call.flags)
    const reading = call.flags.group === undefined ? await readAlone(kafka, call) : readInGroup(kafka, call)
    try {
      await printAll(reading, call)
    } finally {
      await reading.engine.close()
    }
    return signal.aborted ? 130 : 0
  },
})

/** Where records come from, and when a partition has given all that was asked for; undefined: never. */
interface Reading {
  engine: ConsumerEngine
  ends: Map<string, number> | undefined
  commits: boolean
}

async function readAlone(kafka: Kafka, { args, flags, signal }: ConsumeCall): Promise<Reading> {
  const engine = createConsumerEngine(kafka.cluster, { from: 'earliest' })
  const partitions = await partitionsOf(kafka, args, flags.partition, signal)
  const from = parseFrom(flags.from ?? 'start', realClock.now())
  engine.assign(partitions)
  await seekTo(engine, partitions, from, signal)
  if (!flags.exit && flags.until === undefined) return { engine, ends: undefined, commits: false }
  const ends = await engine.offsetsFor(partitions, 'latest', { signal })
  return { engine, ends: new Map(partitions.map((at, i) => [keyOf(at), ends[i] ?? 0])), commits: false }
}

function readInGroup(kafka: Kafka, { args, flags }: ConsumeCall): Reading {
  if (flags.exit || flags.until !== undefined)
    throw new UsageError(
      '--until end does not go with --group: the end of a shared topic is nobody’s to see. Use -n N.',
    )
  if (flags.partition !== undefined)
    throw new UsageError('--partition does not go with --group: the group decides who reads what.')
  const from = parseFrom(flags.from ?? 'start', realClock.now())
  if (!('at' in from) && !('timestamp' in from))
    throw new UsageError('In a group --from is start, end or @TIME: where to begin when the group has not been here.')
  const start = 'timestamp' in from ? { timestamp: from.timestamp } : from.at === 'start' ? 'earliest' : 'latest'
  const engine = createConsumerEngine(kafka.cluster, { group: flags.group!, from: start })
  engine.subscribe(args)
  return { engine, ends: undefined, commits: true }
}

async function partitionsOf(
  kafka: Kafka,
  topics: readonly string[],
  only: string | undefined,
  signal: AbortSignal,
): Promise<TopicPartition[]> {
  const described = await kafka.admin().topics.describe([...topics], { signal })
  const all = described.flatMap(({ name, partitions }) =>
    partitions.map(({ partition }) => ({ topic: name, partition })),
  )
  const chosen = only === undefined ? all : all.filter(({ partition }) => partition === Number(only))
  if (chosen.length === 0) throw new UsageError(`There is no partition ${only} of ${topics.join(', ')}.`)
  return chosen
}

async function seekTo(
  engine: ConsumerEngine,
  partitions: readonly TopicPartition[],
  from: From,
  signal: AbortSignal,
): Promise<void> {
  if ('at' in from && from.at === 'start') return
  const [starts, ends] = await Promise.all([
    engine.offsetsFor(partitions, 'earliest', { signal }),
    engine.offsetsFor(partitions, 'latest', { signal }),
  ])
  partitions.forEach((at, i) => {
    const [start, end] = [starts[i] ?? 0, ends[i] ?? 0]
    if ('timestamp' in from) engine.seek(at, { timestamp: from.timestamp })
    else
      engine.seek(
        at,
        'at' in from ? end : 'offset' in from ? Math.max(start, from.offset) : Math.max(start, end - from.last),
      )
  })
}

async function printAll({ engine, ends, commits }: Reading, { flags, signal }: ConsumeCall): Promise<void> {
  const print = recordPrinter(flags.format, flags.output)
  const keyAs = decoderFor(flags['key-as'], '--key-as')
  const valueAs = decoderFor(flags['value-as'], '--value-as')
  let left = flags.count === undefined ? Number.POSITIVE_INFINITY : parseCount(flags.count, '-n')
  while (left > 0 && !signal.aborted && !isThrough(engine, ends)) {
    const batches = await engine.poll(1_000, { signal, maxRecords: Math.min(left, 2_000) })
    for (const batch of batches) {
      const records = batch.records.filter(
        ({ offset }) => offset < (ends?.get(keyOf(batch)) ?? Number.POSITIVE_INFINITY),
      )
      for (const { offset, timestamp, key, value, headers } of records) {
        print({
          topic: batch.topic,
          partition: batch.partition,
          offset,
          timestamp,
          key: keyAs(key, batch.topic),
          value: valueAs(value, batch.topic),
          headers,
        })
      }
      left -= records.length
    }
    await print.flush()
    if (commits && batches.length > 0) await engine.commit(batches.map(toCommit))
  }
  await print.end()
}

const toCommit = ({ topic, partition, nextOffset, leaderEpoch }: PartitionBatch) => ({
  topic,
  partition,
  offset: nextOffset,
  leaderEpoch,
})

const isThrough = (engine: ConsumerEngine, ends: Map<string, number> | undefined): boolean =>
  ends !== undefined && engine.assignment().every(at => (engine.position(at) ?? -1) >= ends.get(keyOf(at))!)

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`
