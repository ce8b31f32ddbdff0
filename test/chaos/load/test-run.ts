/** Tests of the repository at their full counts, as part of an item: how many there were, and how many failed or could not run. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Chaos } from '../chaos.ts'

export interface TestRun {
  readonly passed: number
  readonly failed: number
  /** Why those that were skipped were. */
  readonly skipped: readonly string[]
}

export async function runTests(
  chaos: Chaos,
  files: readonly string[],
  env: Record<string, string> = {},
): Promise<TestRun> {
  const args = ['--test', '--test-concurrency=1', '--test-reporter=tap', ...files]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...cleanEnv(), ...env } })
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  const run = { passed: 0, failed: 0, skipped: [] as string[] }
  for await (const line of createInterface(child.stdout)) {
    const match = /^\s*(ok|not ok) \d+ - ([^#]*)(?:# SKIP ?(.*))?/.exec(line)
    if (match === null) {
      if (/^\s*# (?!tests|suites|pass|fail|cancelled|skipped|todo|duration_ms|Subtest)/.test(line))
        chaos.say(line.trim())
      continue
    }
    const [, result, name, reason] = match
    if (reason !== undefined) run.skipped.push(reason)
    else if (result === 'ok') run.passed++
    else {
      run.failed++
      chaos.say(`failed: ${name}`)
    }
  }
  // A file that cannot be run at all fails no test.
  if ((await ended) !== 0 && run.failed === 0) run.failed = 1
  return run
}

/** A runner inside a test would make itself a part of it. */
function cleanEnv(): Record<string, string> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env as Record<string, string>
  return env
}
