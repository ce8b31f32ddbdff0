/**
 * State that is larger than memory: an application that keeps the latest value of each key, with all of its state in memory and with half
 * of it. Both run in a control group, which counts the pages of the state as well; the larger one limits nothing.
 *
 *     changelog of 2 M keys → restored → changes to keys at random, or by Zipf → one get and one put each, logged, committed
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freshName } from '../clients/client.ts'
import { controlGroup } from '../control-group.ts'
import type { Row } from '../row.ts'
import type { Inputs } from './inputs.ts'
import { type Order, orders } from './keys.ts'
import { Peer, type Result } from './peer.ts'

const keys = 2_000_000
const changes = 400_000
const warmUp = 100_000
const mebibyte = 2 ** 20
/** 131 bytes a key, of which half shall have room, beside what a process takes that has room for everything. */
const limits = { all: 16_384 * mebibyte, half: (125 + 200) * mebibyte }
const cacheMaxBytes = 10 * mebibyte

export async function largeStateRows(
  command: readonly [string, ...string[]],
  inputs: Inputs,
  bootstrap: string,
): Promise<Row[]> {
  const rows: Row[] = []
  for (const order of Object.keys(orders) as Order[]) {
    const name = `streams, 2 M keys ${order}`
    try {
      const all = await ran(command, order, limits.all, inputs, bootstrap)
      const half = await ran(command, order, limits.half, inputs, bootstrap)
      const row = (what: string, unit: string, ours: number): Row => ({
        name: `${name}, ${what}`,
        unit,
        lessIsBetter: unit !== 'records/s',
        ours,
        rivals: {},
      })
      rows.push(
        row('all in memory', 'records/s', rateOf(all)),
        row('half in memory', 'records/s', rateOf(half)),
        row('all, processor time', 'µs/record', costOf(all)),
        row('half, processor time', 'µs/record', costOf(half)),
        { name: `streams, half in memory, ${order}`, unit: '× of all', ours: rateOf(half) / rateOf(all), rivals: {} },
      )
    } catch (error) {
      rows.push({ name, unit: 'records/s', rivals: {}, missing: (error as Error).message.slice(0, 500) })
    }
  }
  return rows
}

const rateOf = ({ seconds }: Result): number => (changes - warmUp) / seconds

const costOf = ({ cpuSeconds }: Result): number => (1e6 * cpuSeconds) / (changes - warmUp)

async function ran(
  command: readonly [string, ...string[]],
  order: Order,
  limit: number,
  inputs: Inputs,
  bootstrap: string,
): Promise<Result> {
  const group = controlGroup(limit)
  const { topics } = await inputs.changes(order, changes, keys)
  const applicationId = freshName('latest')
  const changelog = `${applicationId}-table-changelog`
  await inputs.changelog(changelog, keys)
  const stateFolder = await mkdtemp(join(tmpdir(), 'odradek-bench-streams-'))
  try {
    const peer = await Peer.start(group.within(command))
    try {
      const job = { application: 'latest', applicationId, bootstrap, inputs: topics[0]!, output: '-', stateFolder }
      return await peer.run({ ...job, expected: changes, warmUp, cacheMaxBytes })
    } finally {
      await peer.stop()
    }
  } finally {
    await inputs.remove([changelog])
    await rm(stateFolder, { recursive: true, force: true })
    await group.close()
  }
}
