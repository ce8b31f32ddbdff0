/**
 * A broker that was killed with much in its log: from starting the process to ready, with the log in the system's memory and, where the
 * system lets itself be told to forget it, from the disk.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { recordsOf } from './clients/client.ts'
import { odradekClient } from './clients/odradek.ts'
import { median } from './interleave.ts'
import { odradekOn } from './peers/odradek.ts'
import type { Family, Row } from './row.ts'

const gigabytes = 10
const partitions = 8
const valueBytes = 10_000
const batch = 2_000
const underWay = 4
const starts = 3

export const restartFamily: Family = async place => {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-restart-'))
  try {
    place.say(`restart: ${gigabytes} GB of log`)
    await fill(folder)
    place.say('restart: after kill -9')
    const name = `restart after kill -9, ${gigabytes} GB`
    const rows = [row(name, await startsAfterKills(folder, async () => true))]
    const cold = await startsAfterKills(folder, dropCaches)
    return cold.length === 0 ? rows : [...rows, row(`${name}, cold cache`, cold)]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const row = (name: string, times: number[]): Row => ({
  ...{ name, unit: 'ms', ours: median(times), rivals: {}, lessIsBetter: true },
})

async function fill(folder: string): Promise<void> {
  const broker = await odradekOn(folder)
  try {
    await odradekClient.createTopic(broker.bootstrap, 'restart', partitions)
    await produce(broker.bootstrap, (gigabytes * 1e9) / valueBytes)
  } finally {
    await broker.kill()
  }
}

async function produce(bootstrap: string, count: number): Promise<void> {
  const producer = await odradekClient.producer(bootstrap, 1)
  const records = recordsOf(batch, valueBytes)
  let left = Math.ceil(count / batch)
  const lane = async () => {
    while (left-- > 0) await producer.many('restart', records)
  }
  await Promise.all(Array.from({ length: underWay }, lane))
  await producer.close()
}

/** Each after a kill while records come in. None when it cannot be prepared as asked. */
async function startsAfterKills(folder: string, prepare: () => Promise<boolean>): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < starts; i++) {
    if (!(await prepare())) return []
    const broker = await odradekOn(folder)
    times.push(broker.startMs)
    await produce(broker.bootstrap, 10_000)
    await broker.kill()
  }
  return times
}

/** False where the system does not let us. */
async function dropCaches(): Promise<boolean> {
  try {
    await writeFile('/proc/sys/vm/drop_caches', '3')
    return true
  } catch {
    return false
  }
}
