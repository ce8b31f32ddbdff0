/**
 * A broker of 10,000 partitions and 1,000 groups: how soon it is ready, and what it takes while 5,000 long polls wait and nothing
 * happens; then also while 1,000 more connections heart-beat every 3 seconds.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from './interleave.ts'
import { odradekOn } from './peers/odradek.ts'
import { processorPercent, residentMegabytes } from './process-figures.ts'
import type { Family, Row, RunningBroker } from './row.ts'
import { Crowd, pollCount, pollMs, recordsEach } from './scale/crowd.ts'

const starts = 3
/** After the last connection: garbage of the rush may go. */
const settleMs = 5_000
/** In which each poll ends once and begins anew. */
const idleMs = pollMs

const row = (name: string, unit: string, ours: number): Row => ({
  name: `scale, ${name}`,
  unit,
  ours,
  rivals: {},
  lessIsBetter: true,
})

export const scaleFamily: Family = async place => {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-scale-'))
  try {
    place.say('scale: 10,000 partitions, 1,000 groups')
    await withCrowd(folder, crowd => crowd.fill())
    place.say('scale: starts')
    const clean = await startMs(folder, 'stop')
    const killed = await startMs(folder, 'kill', () => withCrowd(folder, crowd => crowd.produce(), 'kill'))
    place.say('scale: 5,000 long polls')
    return [
      row('start after an orderly end', 'ms', clean),
      row('start after kill -9', 'ms', killed),
      ...(await idleRows(folder)),
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function withCrowd(
  folder: string,
  act: (crowd: Crowd, broker: RunningBroker) => Promise<void>,
  end: 'stop' | 'kill' = 'stop',
): Promise<void> {
  const broker = await odradekOn(folder)
  const crowd = new Crowd(broker.bootstrap)
  try {
    await act(crowd, broker)
  } finally {
    crowd.close()
    await broker[end]()
  }
}

/** Of several starts, the broker having ended in this way before each of them; `prepare` comes before each, too. */
async function startMs(folder: string, end: 'stop' | 'kill', prepare?: () => Promise<void>): Promise<number> {
  const figures: number[] = []
  for (let i = 0; i < starts; i++) {
    await prepare?.()
    const broker = await odradekOn(folder)
    figures.push(broker.startMs)
    await broker[end]()
  }
  return median(figures)
}

async function idleRows(folder: string): Promise<Row[]> {
  const rows: Row[] = []
  await withCrowd(folder, async (crowd, { pid }) => {
    const observe = async (during: string) => {
      await sleep(settleMs)
      rows.push(row(`processor, ${during}`, '% of a core', await processorPercent(pid, idleMs)))
      rows.push(row(`memory, ${during}`, 'MB', await residentMegabytes(pid)))
    }
    await observe('nobody there')
    await crowd.park((1 + starts) * recordsEach)
    await observe('5,000 idle long polls')
    assert.equal(crowd.waitingPolls, pollCount)
    await crowd.join()
    await observe('and 1,000 live members')
  })
  return rows
}
