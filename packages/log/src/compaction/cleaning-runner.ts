/**
 * Where cleaning runs: on the machine's own disk in a thread of its own, which is started when there is something to clean and ended
 * when there was nothing for a while; on any other disk (in memory, simulated) here, a slice at a time.
 */
import module from 'node:module'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type Clock, type Disk, realDisk, type Timer } from '@odradek/world'
import { type CleaningPlace, clean, type HandOver } from './cleaning.ts'
import type { CleanedGroup, CleaningJob, CleaningResult } from './cleaning-job.ts'
import { CleanerClosed } from './pace.ts'
import type { Traffic } from './traffic.ts'

export interface CleaningRunner {
  /** One at a time. Gives up soon when aborted. */
  run(job: CleaningJob, handOver: HandOver, signal: AbortSignal): Promise<CleaningResult>
  close(): Promise<void>
}

export function cleaningRunner(disk: Disk, clock: Clock, traffic: Traffic): CleaningRunner {
  return disk === realDisk ? new ThreadRunner(clock, traffic) : new InlineRunner({ disk, clock })
}

class InlineRunner implements CleaningRunner {
  readonly #place: CleaningPlace
  #isClosed = false

  constructor(place: CleaningPlace) {
    this.#place = place
  }

  run(job: CleaningJob, handOver: HandOver, signal: AbortSignal): Promise<CleaningResult> {
    return clean(this.#place, job, handOver, () => this.#isClosed || signal.aborted)
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }
}

export type ToThread =
  | { kind: 'job'; job: CleaningJob }
  | { kind: 'taken' }
  | { kind: 'stop'; reason: string }
  | { kind: 'cancel' }
export type FromThread =
  | { kind: 'group'; group: CleanedGroup }
  | { kind: 'done'; result: CleaningResult }
  | { kind: 'failed'; error: Error; code: string | undefined }

/** A few megabytes while it waits. Each start has loads of code to compile, on threads that everybody in the process shares. */
const idleMs = 600_000
/** The thread needs what it reads and writes at a time, and what a job tells of producers; the table of keys is not on its heap. */
const heapMegabytes = 64
/** A producer or an aborted transaction: as it arrives, and in the maps made of it. */
const toldBytes = 512

class ThreadRunner implements CleaningRunner {
  readonly #clock: Clock
  readonly #traffic: Traffic
  #thread: Worker | undefined
  /** Of the thread. */
  #heapMegabytes = 0
  #isClosed = false
  #idle: Timer | undefined

  constructor(clock: Clock, traffic: Traffic) {
    this.#clock = clock
    this.#traffic = traffic
  }

  async run(job: CleaningJob, handOver: HandOver, signal: AbortSignal): Promise<CleaningResult> {
    this.#idle?.cancel()
    const thread = await this.#threadFor(job)
    try {
      return await converse(thread, job, handOver, signal)
    } catch (error) {
      if (error instanceof ThreadEnded) this.#thread = undefined
      throw this.#isClosed ? new CleanerClosed() : error
    } finally {
      if (!this.#isClosed) this.#idle = this.#clock.timer(idleMs, () => void this.#letGo())
    }
  }

  async #threadFor({ aborted, lastOffsets }: CleaningJob): Promise<Worker> {
    const needed = heapMegabytes + Math.ceil(((aborted.length + lastOffsets.size) * toldBytes) / 2 ** 20)
    if (needed > this.#heapMegabytes) await this.#letGo()
    if (this.#isClosed) throw new CleanerClosed()
    if (this.#thread === undefined) {
      this.#thread = startThread(needed, this.#traffic)
      this.#heapMegabytes = needed
    }
    return this.#thread
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
function startThread(maxOldGenerationSizeMb: number, { shared }: Traffic): Worker {
  const path = import.meta.url.replace(/cleaning-runner(\.[jt]s)$/, 'cleaning-thread$1')
  const options = { workerData: shared, resourceLimits: { maxOldGenerationSizeMb }, env: threadEnv() }
  const thread = new Worker(new URL(path), options)
  thread.unref()
  // Whoever waits for it hears of an error; without anybody, there is nobody to tell.
  thread.on('error', () => undefined)
  return thread
}

/** What this process has compiled need not be compiled again: a thread takes that from the cache if it is told of it. */
function threadEnv(): NodeJS.ProcessEnv {
  const cache = module.getCompileCacheDir?.()
  return cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(cache) }
}

class ThreadEnded extends Error {
  readonly code = 'CLEANER_GONE'
}

function converse(thread: Worker, job: CleaningJob, handOver: HandOver, signal: AbortSignal): Promise<CleaningResult> {
  return new Promise((resolve, reject) => {
    const say = (message: ToThread) => thread.postMessage(message)
    let refused: Error | undefined
    const cancel = () => say({ kind: 'cancel' })
    const end = () => {
      signal.removeEventListener('abort', cancel)
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
    signal.addEventListener('abort', cancel)
    say({ kind: 'job', job })
    if (signal.aborted) cancel()
  })
}
