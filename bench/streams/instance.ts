/**
 * A process that runs applications one after the other: a line of input is a job, `name=value …`; a line of output is its result, in the
 * same form. The clock runs from the first record until the commit that the last asks for; of a restore, while it restores.
 */
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { KafkaStreams, StreamsBuilder } from '@odradek/streams'
import { ownResidence } from '../process-figures.ts'
import { applications, type Watch } from './applications.ts'

type Job = Readonly<
  Record<
    'application' | 'applicationId' | 'bootstrap' | 'inputs' | 'output' | 'expected' | 'stateFolder' | 'cacheMaxBytes',
    string
  >
> & {
  /** Records before the clock starts. */
  readonly warmUp?: string
}

console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const job = Object.fromEntries(line.split(' ').map(pair => pair.split('=', 2))) as Job
  console.log(await measured(job))
}
process.exit(0)

async function measured(job: Job): Promise<string> {
  const run = stopwatch(Number(job.expected), Number(job.warmUp ?? 0))
  const builder = new StreamsBuilder()
  applications[job.application]!(builder, job.inputs.split(','), job.output, run.watch)
  let restored = 0
  const streams = new KafkaStreams(builder.build(), {
    applicationId: job.applicationId,
    brokers: job.bootstrap,
    stateFolder: job.stateFolder,
    cacheMaxBytes: Number(job.cacheMaxBytes),
    onRestore: progress => {
      run.watch.began()
      if (progress.remaining > 0) return
      restored += progress.restored
      if (restored === Number(job.expected)) run.finish()
    },
  })
  run.commits = () => commitsOf(streams)
  const stop = new AbortController()
  const ended = streams.run({ signal: stop.signal })
  try {
    await Promise.race([run.done, ended])
    while (job.application !== 'restore' && run.isCommitted() === false) await Promise.race([sleep(5), ended])
    const { seconds, cpuSeconds } = run.read()
    const { all, anonymous, files } = ownResidence()
    stop.abort()
    await ended
    return `seconds=${seconds} cpuSeconds=${cpuSeconds} residentMegabytes=${all} anonymousMegabytes=${anonymous} fileMegabytes=${files}`
  } catch (error) {
    console.error(error)
    return `failed=${job.application}`
  }
}

function commitsOf(streams: KafkaStreams): number {
  return Number(streams.metrics().find(({ name }) => name === 'commit-total')?.value ?? 0)
}

interface Stopwatch {
  readonly watch: Watch
  readonly done: Promise<void>
  commits: () => number
  /** Since the last record. */
  isCommitted(): boolean
  finish(): void
  read(): { seconds: number; cpuSeconds: number }
}

function stopwatch(expected: number, warmUp: number): Stopwatch {
  const { promise: done, resolve: finish } = Promise.withResolvers<void>()
  let began = 0
  let cpu = process.cpuUsage()
  let read = 0
  let seen = 0
  let commitsBefore = 0
  const self: Stopwatch = {
    done,
    finish,
    commits: () => 0,
    isCommitted() {
      return this.commits() > commitsBefore
    },
    watch: {
      began() {
        if (began !== 0 || ++read <= warmUp) return
        began = performance.now()
        cpu = process.cpuUsage()
      },
      saw() {
        if (++seen !== expected) return false
        commitsBefore = self.commits()
        finish()
        return true
      },
    },
    read() {
      const { user, system } = process.cpuUsage(cpu)
      return { seconds: (performance.now() - began) / 1e3, cpuSeconds: (user + system) / 1e6 }
    },
  }
  return self
}
