/**
 * Where cleaning runs: on the machine's own disk in a thread of its own, which is started when there is something to clean and ended
 * when there was nothing for a while; on any other disk (in memory, simulated) here, a slice at a time.
 */
import { Worker } from 'node:worker_threads'
import { type Clock, type Disk, realDisk, type Timer } from '@odradek/world'
import { type CleaningPlace, clean, type HandOver } from './cleaning.ts'
import type { CleanedGroup, CleaningJob, CleaningResult } from './cleaning-job.ts'
import { CleanerClosed } from './pace.ts'

export interface CleaningRunner {
  /** One at a time. */
  run(job: CleaningJob, handOver: HandOver): Promise<CleaningResult>
  close(): Promise<void>
}

export function cleaningRunner(disk: Disk, clock: Clock): CleaningRunner {
  return disk === realDisk ? new ThreadRunner(clock) : new InlineRunner({ disk, clock, isAlone: false })
}

class InlineRunner implements CleaningRunner {
  readonly #place: CleaningPlace
  #isClosed = false

  constructor(place: CleaningPlace) {
    this.#place = place
  }

  run(job: CleaningJob, handOver: HandOver): Promise<CleaningResult> {
    return clean(this.#place, job, handOver, () => this.#isClosed)
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }
}

export type ToThread = { kind: 'job'; job: CleaningJob } | { kind: 'taken' } | { kind: 'stop'; reason: string }
export type FromThread =
  | { kind: 'group'; group: CleanedGroup }
  | { kind: 'done'; result: CleaningResult }
  | { kind: 'failed'; error: Error; code: string | undefined }

const idleMs = 30_000
/** The thread itself needs little more than what it reads and writes at a time; the table of keys is not on its heap. */
const heapMegabytes = 64

class ThreadRunner implements CleaningRunner {
  readonly #clock: Clock
  #thread: Worker | undefined
  #isClosed = false
  #idle: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async run(job: CleaningJob, handOver: HandOver): Promise<CleaningResult> {
    this.#idle?.cancel()
    this.#thread ??= startThread()
    const thread = this.#thread
    try {
      return await converse(thread, job, handOver)
    } catch (error) {
      if (error instanceof ThreadEnded) this.#thread = undefined
      throw this.#isClosed ? new CleanerClosed() : error
    } finally {
      this.#idle = this.#clock.timer(idleMs, () => void this.#letGo())
    }
  }

  close(): Promise<void> {
    this.#isClosed = true
    return this.#letGo()
  }

  async #letGo(): Promise<void> {
    this.#idle?.cancel()
    const thread = this.#thread
    this.#thread = undefined
    await thread?.terminate()
  }
}

/** Beside this file, as source or compiled. */
function startThread(): Worker {
  const path = import.meta.url.replace(/cleaning-runner(\.[jt]s)$/, 'cleaning-thread$1')
  const thread = new Worker(new URL(path), { resourceLimits: { maxOldGenerationSizeMb: heapMegabytes } })
  thread.unref()
  // Whoever waits for it hears of an error; without anybody, there is nobody to tell.
  thread.on('error', () => undefined)
  return thread
}

class ThreadEnded extends Error {
  readonly code = 'CLEANER_GONE'
}

function converse(thread: Worker, job: CleaningJob, handOver: HandOver): Promise<CleaningResult> {
  return new Promise((resolve, reject) => {
    const say = (message: ToThread) => thread.postMessage(message)
    let refused: Error | undefined
    const end = () => {
      thread.off('message', hear)
      thread.off('error', fail)
      thread.off('exit', exit)
    }
    const fail = (error: Error) => {
      end()
      reject(new ThreadEnded(`the cleaner's thread has failed: ${error.message}`, { cause: error }))
    }
    const exit = () => fail(new Error('it has ended'))
    const hear = (message: FromThread) => {
      if (message.kind === 'group') {
        handOver(message.group).then(
          () => say({ kind: 'taken' }),
          (error: Error) => {
            refused = error
            say({ kind: 'stop', reason: error.message })
          },
        )
        return
      }
      end()
      if (message.kind === 'done') resolve(message.result)
      else reject(refused ?? Object.assign(message.error, { code: message.code }))
    }
    thread.on('message', hear).on('error', fail).on('exit', exit)
    say({ kind: 'job', job })
  })
}
