/** What the system says of another process. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Linux tells processor time in hundredths of a second, whatever its own clock does. */
const ticksPerSecond = 100

export interface Resident {
  readonly all: number
  /** What the process alone has: heaps, buffers, stacks. */
  readonly anonymous: number
  /** Pages of files that are mapped: the program, libraries, databases. The system takes them back when it needs them. */
  readonly files: number
}

/** Of this process, in megabytes, as Linux counts them; elsewhere only `all` is known. */
export function ownResidence(): Resident {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : ''
  const figure = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN) / 1_024
  return { all: process.memoryUsage.rss() / 2 ** 20, anonymous: figure('RssAnon'), files: figure('RssFile') }
}

export async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined)
  const kilobytes = status
    ? /VmRSS:\s+(\d+)/.exec(status)?.[1]
    : (await run('ps', ['-o', 'rss=', '-p', String(pid)])).stdout
  return Number(kilobytes) / 1_024
}

/** Of one core, over the next `ms`: 100 is all of it. Rejects where there is no /proc. */
export async function processorPercent(pid: number, ms: number): Promise<number> {
  const began = performance.now()
  const before = await processorSeconds(pid)
  await sleep(ms)
  const used = (await processorSeconds(pid)) - before
  return (100 * used) / ((performance.now() - began) / 1_000)
}

/** In user and system mode, all threads. */
async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name of the program, in brackets, may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}
