/** kcat, kafkajs, \@platformatic/kafka and python3-kafka: our own tests of them (`test/interop`), test by test. */
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './outcome.ts'

export const interopClients: Readonly<Record<string, string>> = {
  kcat: 'kcat.test.ts',
  kafkajs: 'kafkajs.test.ts',
  '@platformatic/kafka': 'platformatic.test.ts',
  'python3-kafka': 'python-kafka.test.ts',
}

export async function runInterop(file: string, done: (outcome: Outcome) => void): Promise<Outcome[]> {
  const path = fileURLToPath(new URL(`../interop/${file}`, import.meta.url))
  const outcomes: Outcome[] = []
  for await (const { type, data } of run({ files: [path], timeout: 120_000 })) {
    if ((type !== 'test:pass' && type !== 'test:fail') || data.name.endsWith(file)) continue
    const skipped = type === 'test:pass' && data.skip !== undefined && data.skip !== false
    const failure = type === 'test:fail' ? String(data.details.error.cause ?? data.details.error) : ''
    const outcome: Outcome = {
      name: data.name,
      state: skipped ? 'skip' : type === 'test:pass' ? 'pass' : 'fail',
      seconds: data.details.duration_ms / 1000,
      reason: skipped ? (typeof data.skip === 'string' ? data.skip : '') : failure.split('\n')[0]!.slice(0, 300),
    }
    outcomes.push(outcome)
    done(outcome)
  }
  return outcomes
}
