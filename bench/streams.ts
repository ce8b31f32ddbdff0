/**
 * One instance with one thread, ours and Kafka Streams', turn by turn on our broker, over the same input: everything of an application is
 * as it is by default (a cache of 10 MiB, a commit every 30 s, changelogs, stores on disk). A rate counts from the first record that an
 * application reads until the commit that its last one asks for: all written, all acknowledged.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freshName } from './clients/client.ts'
import { interleavedMedians, median } from './interleave.ts'
import { kafkaStreams } from './peers/kafka-streams.ts'
import type { Family, Row } from './row.ts'
import { type Input, Inputs } from './streams/inputs.ts'
import { largeStateRows } from './streams/large-state.ts'
import { linearRows } from './streams/linear.ts'
import { Peer, type Result } from './streams/peer.ts'

const counts = { values: 500_000, lines: 100_000, pairs: 150_000, rows: 300_000, keys: 1_000_000 }
const defaultCache = 10 * 2 ** 20
const odradek = [process.execPath, fileURLToPath(new URL('streams/instance.ts', import.meta.url))] as const

interface Contest {
  readonly name: string
  readonly application: string
  readonly input: (inputs: Inputs) => Promise<Input>
  readonly cacheMaxBytes?: number
}

const contests: readonly Contest[] = [
  { name: 'pass-through', application: 'pass-through', input: inputs => inputs.values(counts.values) },
  { name: 'word count', application: 'word-count', input: inputs => inputs.lines(counts.lines) },
  {
    name: 'word count, no cache',
    application: 'word-count',
    input: inputs => inputs.lines(counts.lines),
    cacheMaxBytes: 0,
  },
  { name: 'tumbling count', application: 'tumbling-count', input: inputs => inputs.values(counts.values) },
  { name: 'stream-stream join', application: 'stream-stream-join', input: inputs => inputs.pairs(counts.pairs) },
  { name: 'table-table join', application: 'table-table-join', input: inputs => inputs.rows(counts.rows) },
]

type Peers = Readonly<Record<string, Peer>>

/** `ODRADEK_BENCH_STREAMS`: the contests whose names contain it; `linear` takes long, and runs only when it is asked for. */
export const streamsFamily: Family = async place => {
  const only = process.env.ODRADEK_BENCH_STREAMS ?? ''
  const { bootstrap } = await place.odradek()
  const java = place.withApache ? await kafkaStreams() : null
  const inputs = new Inputs(bootstrap)
  const peers: Record<string, Peer> = { odradek: await Peer.start(odradek) }
  if (java) peers['Kafka Streams'] = await Peer.start(java)
  const rows: Row[] = []
  try {
    for (const contest of contests.filter(({ name }) => name.includes(only))) {
      place.say(`streams: ${contest.name}`)
      rows.push(...(await rowsOf(contest, peers, inputs, bootstrap)))
    }
    if ('restore'.includes(only)) {
      place.say('streams: restore')
      rows.push(...(await restoreRows(java, inputs, bootstrap)))
    }
    if ('state larger than memory'.includes(only)) {
      place.say('streams: state larger than memory')
      rows.push(...(await largeStateRows(odradek, inputs, bootstrap)))
    }
    if (only === 'linear') rows.push(...(await linearRows(odradek, inputs, bootstrap, place.say)))
  } finally {
    for (const peer of Object.values(peers)) await peer.stop()
    await inputs.close()
  }
  return rows
}

/** Records a second, and the processor time that one takes: that says more where a machine does other things as well. */
async function rowsOf(contest: Contest, peers: Peers, inputs: Inputs, bootstrap: string): Promise<Row[]> {
  const name = `streams, ${contest.name}`
  try {
    const input = await contest.input(inputs)
    const micros: Record<string, number[]> = {}
    const contestants = Object.entries(peers).map(([who, peer]) => [
      who,
      async () => {
        const result = await ran(contest, peer, input, inputs, bootstrap)
        ;(micros[who] ??= []).push((1e6 * result.cpuSeconds) / input.expected)
        return input.expected / result.seconds
      },
    ])
    const rates: Record<string, number> = await interleavedMedians(Object.fromEntries(contestants), { rounds: 3 })
    // The first is the warm-up.
    const costs = Object.fromEntries(Object.entries(micros).map(([who, all]) => [who, median(all.slice(1))]))
    return [
      { name, unit: 'records/s', ...split(rates) },
      { name: `${name}, processor time`, unit: 'µs/record', lessIsBetter: true, ...split(costs) },
    ]
  } catch (error) {
    return [{ name, unit: 'records/s', rivals: {}, missing: (error as Error).message.slice(0, 500) }]
  }
}

function split({ odradek, ...rivals }: Record<string, number>): Pick<Row, 'rivals'> & { ours: number } {
  return { ours: odradek!, rivals }
}

/** With an application id, a folder and an output of its own, which go when it is done. */
async function ran(
  { application, cacheMaxBytes = defaultCache }: Contest,
  peer: Peer,
  { topics, expected }: Input,
  inputs: Inputs,
  bootstrap: string,
): Promise<Result> {
  const applicationId = freshName(application)
  const output = `${applicationId}-output`
  const stateFolder = await mkdtemp(join(tmpdir(), 'odradek-bench-streams-'))
  await inputs.topic(output)
  try {
    const job = { application, applicationId, bootstrap, inputs: topics.join(','), output, expected, cacheMaxBytes }
    return await peer.run({ ...job, stateFolder })
  } finally {
    await inputs.remove([output])
    await rm(stateFolder, { recursive: true, force: true })
  }
}

/** In a process of its own, into an empty folder: what is resident afterwards is a whole instance with the keys in its store on disk. */
async function restoreRows(
  java: readonly [string, ...string[]] | null,
  inputs: Inputs,
  bootstrap: string,
): Promise<Row[]> {
  const application = 'restore'
  const rates: Record<string, number> = {}
  let ours: Result | undefined
  const table = freshName('table')
  await inputs.topic(table)
  for (const [who, command] of Object.entries({ odradek, ...(java && { 'Kafka Streams': java }) })) {
    const applicationId = freshName(application)
    await inputs.changelog(`${applicationId}-table-changelog`, counts.keys)
    const stateFolder = await mkdtemp(join(tmpdir(), 'odradek-bench-streams-'))
    const peer = await Peer.start(command)
    try {
      const job = { application, applicationId, bootstrap, inputs: table, output: table, expected: counts.keys }
      const result = await peer.run({ ...job, stateFolder, cacheMaxBytes: defaultCache })
      rates[who] = counts.keys / result.seconds
      if (who === 'odradek') ours = result
    } finally {
      await peer.stop()
      await rm(stateFolder, { recursive: true, force: true })
    }
  }
  return [{ name: 'streams, restore of 1 M keys of 100 B', unit: 'records/s', ...split(rates) }, ...memoryRows(ours!)]
}

/** What is resident is the figure; its parts say what the system could take back. */
function memoryRows({ residentMegabytes, anonymousMegabytes, fileMegabytes }: Result): Row[] {
  const row = (name: string, ours: number): Row => ({ name, unit: 'MB', lessIsBetter: true, ours, rivals: {} })
  return [
    row('streams, memory of 1 M keys of 100 B', residentMegabytes),
    row('streams, of it anonymous', anonymousMegabytes),
    row('streams, of it mapped files', fileMegabytes),
  ]
}
