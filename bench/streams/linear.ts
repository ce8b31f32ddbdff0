/**
 * Whether a record costs the same, however many came before: keys are counted by one instance, over an input that is ten times as long
 * each time. `ODRADEK_BENCH_RECORDS=100000000` goes up to 100 M: 3 GB of input, made once.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freshName } from '../clients/client.ts'
import type { Row } from '../row.ts'
import type { Inputs } from './inputs.ts'
import { Peer, type Result } from './peer.ts'

const million = 1_000_000
const cacheMaxBytes = 10 * 2 ** 20
const limitMs = 3_600_000

export async function linearRows(
  command: readonly [string, ...string[]],
  inputs: Inputs,
  bootstrap: string,
  say: (what: string) => void,
): Promise<Row[]> {
  const most = Number(process.env.ODRADEK_BENCH_RECORDS ?? 10 * million)
  const { topics } = await inputs.words(most)
  const rows: Row[] = []
  const costs: number[] = []
  const peer = await Peer.start(command)
  try {
    await ran(peer, topics[0]!, million, bootstrap) // the warm-up
    for (let records = million; records <= most; records *= 10) {
      const millions = `${records / million} M`
      say(`streams: linear, ${millions}`)
      const { cpuSeconds, seconds, residentMegabytes } = await ran(peer, topics[0]!, records, bootstrap)
      const cost = (1e6 * cpuSeconds) / records
      costs.push(cost)
      const row = (what: string, unit: string, ours: number): Row => {
        const name = `streams, ${millions} records counted, ${what}`
        return { name, unit, lessIsBetter: unit !== 'records/s', ours, rivals: {} }
      }
      rows.push(
        row('rate', 'records/s', records / seconds),
        row('processor time', 'µs/record', cost),
        row('resident', 'MB', residentMegabytes),
      )
    }
  } finally {
    await peer.stop()
  }
  const growth = costs.at(-1)! / costs[0]!
  return [...rows, { name: 'streams, linear', unit: '× of the first', lessIsBetter: true, ours: growth, rivals: {} }]
}

async function ran(peer: Peer, input: string, expected: number, bootstrap: string): Promise<Result> {
  const applicationId = freshName('linear')
  const stateFolder = await mkdtemp(join(tmpdir(), 'odradek-bench-streams-'))
  try {
    const job = { application: 'count', applicationId, bootstrap, inputs: input, output: '-', stateFolder }
    return await peer.run({ ...job, expected, cacheMaxBytes }, limitMs)
  } finally {
    await rm(stateFolder, { recursive: true, force: true })
  }
}
