/** Resident memory of the broker's process: after its start, and the most while records are produced and read. */
import { setTimeout as sleep } from 'node:timers/promises'
import { platformaticClient } from './clients/platformatic.ts'
import { filledTopic, readAll } from './consumer.ts'
import { odradekBroker } from './peers/odradek.ts'
import { apacheBroker } from './place.ts'
import { residentMegabytes } from './process-figures.ts'
import type { Family, Row, RunningBroker } from './row.ts'

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
