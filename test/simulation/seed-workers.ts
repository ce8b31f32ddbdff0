/** Processes that run seeds. Each gets the next seed when it has reported the last; one that hangs or dies is replaced, and its seed has failed. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { SeedReport } from './simulation-report.ts'

const script = fileURLToPath(new URL('./simulate-worker.ts', import.meta.url))
/** A seed takes a tenth of a second; one that takes so long goes round in circles. */
const mostMsEach = 90_000
/** Then a process makes room for a fresh one, so that nothing that it might leak adds up. */
const seedsEach = 1_000

export interface SeedRun {
  /** The next seed; undefined when there is none. */
  next(): number | undefined
  done(report: SeedReport): void
  planted?: string
}

/** One worker. Resolves when there are no seeds any more. */
export async function runSeeds(run: SeedRun): Promise<void> {
  for (let seed = run.next(); seed !== undefined; ) seed = await oneProcess(run, seed)
}

/** Gives the seed to go on with. */
function oneProcess(run: SeedRun, first: number): Promise<number | undefined> {
  const child = fork(script, run.planted === undefined ? [] : [run.planted], {
    execArgv: ['--max-old-space-size=1500'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    let seed: number | undefined = first
    let count = 0
    let isReady = false
    let watchdog: NodeJS.Timeout | undefined
    const send = () => {
      watchdog = setTimeout(() => child.kill('SIGKILL'), mostMsEach)
      child.send(seed!)
    }
    child.on('message', (message: 'ready' | SeedReport) => {
      clearTimeout(watchdog)
      isReady = true
      if (message !== 'ready') {
        run.done(message)
        seed = run.next()
        if (seed === undefined || ++count === seedsEach) return end(child, () => resolve(seed))
      }
      send()
    })
    child.once('exit', (code, signal) => {
      clearTimeout(watchdog)
      if (!isReady) return reject(new Error(`a worker ended with ${code ?? signal} before it was ready`))
      run.done(
        lost(
          seed!,
          `its process ended with ${code ?? signal}, perhaps because it took more than ${mostMsEach / 1000} s`,
        ),
      )
      resolve(run.next())
    })
  })
}

function end(child: ChildProcess, ended: () => void): void {
  child.removeAllListeners('exit')
  child.once('exit', ended)
  child.kill()
}

function lost(seed: number, why: string): SeedReport {
  return {
    ...{ seed, profile: 'lost', cpuMs: 0, simulatedMs: 0, crashes: 0, starts: 0, faults: [], acknowledged: 0, read: 0 },
    ...{ refused: 0, diskOperations: 0, hash: '', anomalies: [], failure: 'stuck', text: `seed ${seed}: ${why}` },
  }
}
