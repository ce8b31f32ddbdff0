/**
 * The report card: other people's clients and their test programs against our broker. docs/CONFORMANCE.md says how to run it.
 *
 *   node test/conformance/run.ts [--suite librdkafka|java|interop]… [--protocol classic|consumer] [--tests 0011,0012]
 *                                [--named TEXT] [--jobs N] [--logs FOLDER] [--write | --ci]
 */
import { parseArgs } from 'node:util'
import { ciSubset } from './ci-subset.ts'
import { type Expected, merge, readExpected, regressions, writeExpected } from './expected.ts'
import { javaProgram, runJavaChecks } from './java-client.ts'
import { testProgram } from './librdkafka/source.ts'
import { runSuite } from './librdkafka/suite.ts'
import type { GroupProtocol } from './librdkafka/test-run.ts'
import { interopClients, runInterop } from './node-clients.ts'
import { count, type Outcome } from './outcome.ts'
import { writeReport } from './report.ts'

const { values: flags } = parseArgs({
  options: {
    suite: { type: 'string', multiple: true },
    protocol: { type: 'string' },
    tests: { type: 'string' },
    named: { type: 'string', default: '' },
    jobs: { type: 'string' },
    logs: { type: 'string' },
    write: { type: 'boolean', default: false },
    ci: { type: 'boolean', default: false },
  },
})

const expected = await readExpected()
const versions: Record<string, string> = { ...expected.versions }
let results: Expected = expected
const worse: string[] = []

const say = (line: string) => console.log(line)
const wanted = (suite: string) =>
  flags.suite === undefined ? !(flags.ci && suite === 'interop') : flags.suite.includes(suite)

function told({ name, state, seconds, reason }: Outcome): void {
  say(`${state.padEnd(4)} ${seconds.toFixed(1).padStart(7)} s  ${name}${reason === '' ? '' : `  ${reason}`}`)
}

function ended(suite: string, outcomes: readonly Outcome[], whole: boolean): void {
  const { pass, fail, skip } = count(outcomes)
  say(`${suite}: ${pass} passed, ${fail} failed, ${skip} skipped\n`)
  worse.push(...regressions(expected, suite, outcomes))
  results = merge(results, suite, outcomes, whole)
}

const java = wanted('java') || wanted('librdkafka') ? await javaProgram(say) : 'not asked for'

if (wanted('librdkafka')) {
  const program = await testProgram(say, typeof java === 'string' ? undefined : java.libs)
  if (typeof program === 'string') say(`librdkafka: skipped: ${program}`)
  else {
    versions.librdkafka = program.version
    const protocols =
      flags.protocol === undefined ? (['classic', 'consumer'] as const) : [flags.protocol as GroupProtocol]
    for (const protocol of protocols) {
      const only = flags.tests?.split(',') ?? (flags.ci ? ciSubset[protocol] : undefined)
      const suite = `librdkafka ${protocol}`
      say(suite)
      const outcomes = await runSuite(program, {
        protocol,
        only: only && new Set(only),
        jobs: Number(flags.jobs ?? (flags.ci ? 4 : 1)),
        logFolder: flags.logs,
        again: flags.ci,
        done: told,
      })
      ended(suite, outcomes, only === undefined)
    }
  }
}

if (wanted('java')) {
  if (typeof java === 'string') say(`kafka-clients: skipped: ${java}`)
  else {
    versions['kafka-clients'] = java.version
    say(`kafka-clients ${java.version}`)
    ended('kafka-clients', await runJavaChecks(java, flags.named, told), flags.named === '')
  }
}

if (wanted('interop'))
  for (const [client, file] of Object.entries(interopClients)) {
    say(client)
    ended(client, await runInterop(file, told), true)
  }

if (flags.write) {
  results = { ...results, versions }
  await writeExpected(results)
  await writeReport(results)
}
if (flags.ci && worse.length > 0) {
  say(`worse than test/conformance/expected.json:\n  ${worse.join('\n  ')}`)
  process.exitCode = 1
}
