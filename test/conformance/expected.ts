/** `expected.json`: what became of every test the last time the report card was written. CI compares with it; the page is made from it. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Outcome, State } from './outcome.ts'

export interface Entry {
  readonly state: State
  readonly seconds: number
  readonly reason?: string
}

/** By suite, then by test. */
export type Results = Record<string, Record<string, Entry>>

export interface Expected {
  /** What was tested with: the clients' versions. */
  readonly versions: Record<string, string>
  readonly results: Results
}

const file = fileURLToPath(new URL('expected.json', import.meta.url))

export async function readExpected(): Promise<Expected> {
  return JSON.parse(await readFile(file, 'utf8')) as Expected
}

/** Tests that were not run now keep what they had; a suite that ran as a whole forgets tests that are gone. */
export function merge(expected: Expected, suite: string, outcomes: readonly Outcome[], whole: boolean): Expected {
  const before = whole ? {} : (expected.results[suite] ?? {})
  const now = Object.fromEntries(outcomes.map(outcome => [outcome.name, entryOf(outcome)]))
  return { ...expected, results: { ...expected.results, [suite]: { ...before, ...now } } }
}

function entryOf({ state, seconds, reason }: Outcome): Entry {
  return { state, seconds: Math.round(seconds * 10) / 10, ...(reason !== '' && { reason }) }
}

/** What was better before. A test that nobody has seen yet must pass, or say why it does not run. */
export function regressions(expected: Expected, suite: string, outcomes: readonly Outcome[]): string[] {
  return outcomes
    .filter(({ name, state }) => {
      const before = expected.results[suite]?.[name]?.state ?? 'pass'
      return state === 'fail' ? before !== 'fail' : state === 'skip' && before === 'pass'
    })
    .map(({ name, state, reason }) => `${suite}: ${name}: ${state}${reason === '' ? '' : `: ${reason}`}`)
}

export async function writeExpected({ versions, results }: Expected): Promise<void> {
  const sorted = Object.fromEntries(
    Object.keys(results)
      .sort()
      .map(suite => [suite, bySortedName(results[suite]!, suite)]),
  )
  await writeFile(file, `${JSON.stringify({ versions, results: sorted }, null, 2)}\n`)
}

/** Checks of ours stay in the order in which they are written; librdkafka's have numbers. */
function bySortedName(tests: Record<string, Entry>, suite: string): Record<string, Entry> {
  if (!suite.startsWith('librdkafka')) return tests
  return Object.fromEntries(Object.entries(tests).sort(([a], [b]) => (a < b ? -1 : 1)))
}
