/** Resident memory of the broker's process: after its start, and the most while records are produced and read. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { platformaticClient } from './clients/platformatic.ts'
import { filledTopic, readAll } from './consumer.ts'
import { odradekBroker } from './peers/odradek.ts'
import { apacheBroker } from './place.ts'
import type { Family, Row, RunningBroker } from './row.ts'

const run = promisify(execFile)
const restMs = 2_000
const sampleMs = 50
const records = 200_000
const valueBytes = 1_000

export const memoryFamily: Family = async place => {
  place.say('memory')
  const ours = await measured(await odradekBroker())
  const apache = (await place.apache()) && (await apacheBroker())
  const theirs = apache ? await measured(apache) : undefined
  const row = (name: string, which: 'atRest' | 'underLoad'): Row => ({
    name,
    unit: 'MB',
    lessIsBetter: true,
    ours: ours[which],
    rivals: theirs && apache ? { [apache.name]: theirs[which] } : {},
  })
  return [row('memory at rest', 'atRest'), row('memory, most under 200 MB of load', 'underLoad')]
}

/** Of a broker nobody else uses; stops it. */
async function measured(broker: RunningBroker): Promise<{ atRest: number; underLoad: number }> {
  try {
    await sleep(restMs)
    const atRest = await residentMegabytes(broker.pid)
    let underLoad = atRest
    const sampler = setInterval(async () => {
      underLoad = Math.max(underLoad, await residentMegabytes(broker.pid).catch(() => 0))
    }, sampleMs)
    try {
      const topic = await filledTopic(broker.bootstrap, records, valueBytes)
      await readAll(platformaticClient, broker.bootstrap, topic, records)
    } finally {
      clearInterval(sampler)
    }
    return { atRest, underLoad }
  } finally {
    await broker.stop()
  }
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined)
  const kilobytes = status
    ? /VmRSS:\s+(\d+)/.exec(status)?.[1]
    : (await run('ps', ['-o', 'rss=', '-p', String(pid)])).stdout
  return Number(kilobytes) / 1_024
}
