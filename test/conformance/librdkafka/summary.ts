/**
 * What the test program printed, as outcomes. It ends with a table, one row a test:
 *
 *   | 0011_produce_batch                       |     PASSED |   3.216s | reason, if any
 *
 * A program that was stopped, or that crashed, has printed none; what it said last is the reason then.
 */
import type { Outcome, State } from '../outcome.ts'

const states: Record<string, State> = { PASSED: 'pass', FAILED: 'fail', RUNNING: 'fail', SKIPPED: 'skip' }
// biome-ignore lint/suspicious/noControlCharactersInRegex: the table is coloured.
const colour = /\x1b\[[0-9;]*m/g
const row = /^\|\s+(\S+)\s+\|\s+([A-Z]+)\s+\|\s+([\d.]+)s\s+\|\s*(.*)$/

export function outcomesOf(printed: string, expected: readonly string[], ended: string | undefined, seconds: number) {
  const plain = printed.replace(colour, '')
  const rows = new Map<string, Outcome>()
  for (const line of plain.split('\n')) {
    const [, name, state, took, reason] = row.exec(line) ?? []
    if (name === undefined || states[state!] === undefined) continue
    const known = { name, state: states[state!]!, seconds: Number(took), reason: tidy(reason!) }
    rows.set(name, known.state === 'fail' ? { ...known, reason: complaintOf(name, plain) || known.reason } : known)
  }
  // A failed test leaves threads behind, for which the program then aborts: that is no other test's fault.
  const end = [...rows.values()].some(({ state }) => state === 'fail') ? undefined : ended
  return expected.map(name => outcomeOf(name, rows.get(name), plain, rows.has(name) ? end : ended, seconds))
}

function outcomeOf(
  name: string,
  found: Outcome | undefined,
  plain: string,
  ended: string | undefined,
  seconds: number,
) {
  // Stopped or crashed after its table: in a thread that should have been gone by then.
  if (found?.state === 'pass' && ended !== undefined) return { ...found, state: 'fail' as const, reason: ended }
  if (found !== undefined) return found
  const reason = [complaintOf(name, plain), ended ?? 'it is not in the table that was printed']
    .filter(Boolean)
    .join('; ')
  return { name, state: 'fail' as const, seconds, reason }
}

/** What the test complained of: `### Test "NAME" failed at FILE:LINE:FUNCTION() at TIME: ###` and a line that says what. */
function complaintOf(name: string, plain: string): string {
  const complaints = plain.matchAll(
    /^### Test "(\S+?)(?: [^\n]*)?" failed at \S+?:(\S+?\(\)) at [^\n]* ###\n([^\n]*)/gm,
  )
  for (const [, failed, where, what] of complaints) if (failed === name) return tidy(`${where} ${what}`)
  return ''
}

/** One line, without what differs from run to run: clock, random names, ports. */
function tidy(reason: string): string {
  return reason
    .replace(/^\[[^\]]*\]\s*/, '')
    .replace(/rnd[0-9a-f]+/g, 'rnd…')
    .replace(/127\.0\.0\.1:\d+/g, 'the broker')
    .replace(/0x[0-9a-f]+/g, '0x…')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)
}
