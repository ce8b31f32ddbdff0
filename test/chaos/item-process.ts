/** An item in a process group of its own: whatever it starts ends with it, also when this process is interrupted. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ChaosOptions } from './chaos.ts'
import type { ChaosItem } from './item.ts'
import { broken, type Row } from './report.ts'

const script = fileURLToPath(new URL('run-item.ts', import.meta.url))
const running = new Set<ChildProcess>()

process.on('exit', () => {
  for (const child of running) killGroup(child)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

/** Resolves with its rows; an item that takes longer than `limitMs` is ended and has failed. */
export function runItem(item: ChaosItem, options: ChaosOptions, limitMs: number): Promise<Row[]> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [script, item.id, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    running.add(child)
    const settle = (rows: Row[]) => {
      clearTimeout(limit)
      killGroup(child)
      running.delete(child)
      resolve(rows)
    }
    const limit = setTimeout(
      () => settle([broken(item, `it did not end within ${Math.round(limitMs / 60_000)} minutes`)]),
      limitMs,
    )
    createInterface(child.stdout).on('line', line => {
      if (line.startsWith('[{')) settle(JSON.parse(line) as Row[])
    })
    child.on('exit', (code, signal) => settle([broken(item, `its process ended with ${signal ?? code}`)]))
  })
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL')
  } catch {
    // Nobody of the group is left.
  }
}
