/**
 * What the thread of a cleaner on the machine's own disk does: takes one job after the other. Loads no more of other packages than it
 * needs: all of them would take it three times as long.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { realClock } from '@odradek/world/real/clock'
import { blockingDisk } from '@odradek/world/real/disk'
import { giveWay } from '@odradek/world/real/thread'
import { clean } from './cleaning.ts'
import type { CleanedGroup, CleaningJob } from './cleaning-job.ts'
import type { FromThread, ToThread } from './cleaning-runner.ts'
import { Traffic } from './traffic.ts'

const port = parentPort!
const manners = { giveWay, traffic: new Traffic(workerData as SharedArrayBuffer) }
const say = (message: FromThread): void => port.postMessage(message)
let heard: ((message: ToThread) => void) | undefined
let isCancelled = false

port.on('message', (message: ToThread) => {
  if (message.kind === 'job') void work(message.job)
  else if (message.kind === 'cancel') isCancelled = true
  else heard?.(message)
})

async function work(job: CleaningJob): Promise<void> {
  isCancelled = false
  const place = { disk: blockingDisk, clock: realClock, manners }
  try {
    say({ kind: 'done', result: await clean(place, job, handOver, () => isCancelled) })
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    say({ kind: 'failed', error: new Error(message), code })
  }
}

function handOver(group: CleanedGroup): Promise<void> {
  return new Promise((resolve, reject) => {
    heard = message => {
      if (message.kind === 'stop') reject(new Error(message.reason))
      else resolve()
    }
    say({ kind: 'group', group })
  })
}
