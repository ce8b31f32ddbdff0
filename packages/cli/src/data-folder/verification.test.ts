import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from '@odradek/log/tools'
import { findingText } from './findings-text.ts'
import { printVerification } from './verification.ts'

function printed(run: () => number): { code: number; out: string } {
  let out = ''
  const write = process.stdout.write
  process.stdout.write = ((chunk: string) => {
    out += chunk
    return true
  }) as typeof process.stdout.write
  try {
    return { code: run(), out }
  } finally {
    process.stdout.write = write
  }
}

const torn: Finding = { file: 'a-0/0.log', code: 'torn-tail', byte: 5, bytes: 9, problem: 'a batch is cut off' }
const damaged: Finding = { file: 'a-0/0.log', code: 'segment-damaged', byte: 5, offsets: [3, 5], problem: 'bad' }

test('only damage makes the exit code 1, and the last scrub is told', () => {
  const scrub = { startedAt: 0, endedAt: 60_000, durationMs: 60_000, bytes: 2_500_000, damaged: 1, doubtful: 0 }
  const good = printed(() => printVerification({ findings: [torn], scope: '1 partitions', scrub }, 'data', undefined))
  assert.equal(good.code, 0)
  assert.match(good.out, /1 partitions: 1 that the next start mends\n/)
  assert.match(good.out, /last scrub ended 1970-01-01T00:01:00\.000Z: 2\.5 MB in 60 s, 1 damaged ranges/)
  const bad = printed(() => printVerification({ findings: [torn, damaged], scope: 'all' }, 'data', undefined))
  assert.deepEqual([bad.code, /all: 1 damaged, 1 that/.test(bad.out)], [1, true])
})

test('a finding is said with its place, and commands with the folder that was named', () => {
  const text = findingText(damaged, './data')
  assert.match(
    text,
    /damage {2}a-0\/0\.log, byte 5, offsets 3 to 4\n +bad\n +means: .*\n +mend: {2}odradek log repair \.\/data --from/,
  )
})
