/** The broker, its clients, disk and wire in one process, from seeds; and the planted bugs that the same run must catch. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { atLeast, item, none } from '../item.ts'

export const simulation = item({
  id: 'R20',
  what: 'simulation from seeds',
  bars: {
    failed: none('runs of the simulation that found something'),
    planted: atLeast(100, 'planted bugs caught', '%'),
  },
  async run(chaos) {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
    if (scripts.simulate === undefined) return { skipped: 'there is no `npm run simulate`' }
    const seeds = chaos.count({ quick: 50, full: 10_000 })
    const { isQuick, seed } = chaos.options
    const options = ['--seeds', String(seeds), '--seed', String(seed), ...(isQuick ? ['--no-plants'] : [])]
    const args = ['--run', 'simulate', '--', ...options]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
    let planted: RegExpExecArray | null = null
    for await (const line of createInterface(child.stdout)) {
      chaos.say(line)
      planted = /(\d+) of (\d+) planted/.exec(line) ?? planted
    }
    const failed = (await ended) === 0 ? 0 : 1
    return {
      failed: { value: failed, detail: `${seeds} seeds` },
      planted: planted
        ? { value: (100 * Number(planted[1])) / Number(planted[2]), detail: planted[0] }
        : { skipped: isQuick ? 'not in a quick run' : 'the simulation said nothing about planted bugs' },
    }
  },
})
