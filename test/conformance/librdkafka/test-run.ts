/** One run of librdkafka's test program: the tests of one number, against a broker of their own, under a time limit. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '../broker-process.ts'
import type { Outcome } from '../outcome.ts'
import type { BrokerTest } from './catalogue.ts'
import { limitOf, type Parts, partsOf, setupOf } from './setups.ts'
import type { TestProgram } from './source.ts'
import { outcomesOf } from './summary.ts'

export type GroupProtocol = 'classic' | 'consumer'

export interface TestRun {
  /** All of one number and scenario. */
  readonly tests: readonly BrokerTest[]
  readonly protocol: GroupProtocol
  /** Where everything that is printed goes, if anywhere. */
  readonly logFolder?: string
}

/** What the broker says it is: tests choose by it what to try. */
const brokerVersion = '4.3.0'

export async function runTests(program: TestProgram, run: TestRun): Promise<Outcome[]> {
  const { number, scenario, name } = run.tests[0]!
  await using broker = await startBroker(setupOf(number, scenario))
  const folder = await mkdtemp(join(tmpdir(), 'odradek-conformance-'))
  const logs: string[] = []
  try {
    const once = async (subtests?: string) => {
      const began = performance.now()
      const { printed, ended } = await printedBy(program, run, await workFolder(program, folder, broker.bootstrap), {
        BROKERS: broker.bootstrap,
        ...(subtests !== undefined && { SUBTESTS: subtests }),
      })
      logs.push(printed)
      const names = run.tests.map(test => test.name)
      return outcomesOf(printed, names, ended, (performance.now() - began) / 1000)
    }
    const parts = partsOf(name)
    return parts === undefined ? await once() : [await inParts(name, parts, once)]
  } finally {
    logs.push(`--- the broker said:\n${broker.said()}`)
    if (run.logFolder !== undefined) await writeLog(run.logFolder, `${number}-${scenario}-${run.protocol}.log`, logs)
    await rm(folder, { recursive: true, force: true })
  }
}

/** Passes if every part does. */
async function inParts(name: string, parts: Parts, once: (part: string) => Promise<Outcome[]>): Promise<Outcome> {
  const failures: string[] = []
  let seconds = 0
  for (const part of parts.run) {
    const [outcome] = await once(part)
    seconds += outcome!.seconds
    if (outcome!.state !== 'pass') failures.push(`${part}: ${outcome!.reason}`)
  }
  if (failures.length > 0) return { name, state: 'fail', seconds, reason: failures.join('; ') }
  return { name, state: 'pass', seconds, reason: parts.remark }
}

/** As in the program's own folders: `fixtures` and `java` beside it, `../src` above; and a Makefile that builds the Java. */
async function workFolder(program: TestProgram, folder: string, bootstrap: string): Promise<string> {
  const tests = join(folder, 'tests')
  if ((await mkdir(tests, { recursive: true })) === undefined) return tests
  await symlink(join(program.folder, '..', 'src'), join(folder, 'src'))
  for (const name of ['fixtures', 'java']) await symlink(join(program.folder, name), join(tests, name))
  await writeFile(join(tests, 'Makefile'), '.PHONY: java\njava:\n\t@$(MAKE) -s -C java\n')
  await writeFile(join(tests, 'test.conf'), `bootstrap.servers=${bootstrap}\ntest.timeout.multiplier=2\n`)
  return tests
}

async function printedBy(program: TestProgram, run: TestRun, cwd: string, settings: Record<string, string>) {
  const { scenario, number } = run.tests[0]!
  // Line by line: what stays in a buffer is lost when the program aborts. One test after the other, none that needs no broker.
  const child = spawn('stdbuf', ['-oL', join(program.folder, 'test-runner'), '-p1', '-L', '-s', scenario], {
    cwd,
    env: {
      ...withoutSettings(process.env),
      LD_LIBRARY_PATH: program.libraries,
      KAFKA_PATH: program.kafkaPath,
      TEST_KAFKA_VERSION: brokerVersion,
      TEST_CONSUMER_GROUP_PROTOCOL: run.protocol,
      TESTS: number,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Tests start programs of their own: all are stopped together.
    detached: true,
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', text => {
      printed = (printed + text).slice(-4_000_000)
    })
  const limitSeconds = limitOf(number)
  const limit = AbortSignal.timeout(limitSeconds * 1000)
  const stop = () => process.kill(-child.pid!, 'SIGKILL')
  limit.addEventListener('abort', stop, { once: true })
  const [code, signal] = await once(child, 'close')
  limit.removeEventListener('abort', stop)
  return { printed, ended: limit.aborted ? `stopped after ${limitSeconds} s` : endOf(code, signal) }
}

/** The same wherever it runs: on CI, too, where the program would do less. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !/^(CI$|TEST|SUBTESTS|KAFKA|BROKER|RDKAFKA)/.test(name)),
  )
}

/** Exit code 1 is a failed test, and that is in the table. */
function endOf(code: number | null, signal: string | null): string | undefined {
  if (signal !== null) return `ended by ${signal}`
  return code === 0 || code === 1 ? undefined : `ended with exit code ${code}`
}

async function writeLog(folder: string, name: string, logs: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, name), logs.join('\n'))
}
