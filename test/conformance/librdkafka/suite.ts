/** librdkafka's broker tests, run one number at a time (or a few side by side), each against a broker of its own. */
import type { Outcome } from '../outcome.ts'
import { type BrokerTest, brokerTests } from './catalogue.ts'
import { skipReason } from './setups.ts'
import type { TestProgram } from './source.ts'
import { type GroupProtocol, runTests } from './test-run.ts'

export interface SuiteRun {
  readonly protocol: GroupProtocol
  /** Numbers; all when absent. */
  readonly only?: ReadonlySet<string> | undefined
  readonly jobs: number
  /** What fails is tried once more: on a busy machine some tests run into their own clocks. */
  readonly again?: boolean
  readonly logFolder?: string | undefined
  /** Told each outcome as it comes. */
  done(outcome: Outcome): void
}

export async function runSuite(program: TestProgram, suite: SuiteRun): Promise<Outcome[]> {
  const wanted = (await brokerTests(program.folder)).filter(
    test => suite.only === undefined || suite.only.has(test.number),
  )
  const outcomes: Outcome[] = []
  const record = (outcome: Outcome) => {
    outcomes.push(outcome)
    suite.done(outcome)
  }
  const waiting: BrokerTest[][] = []
  for (const tests of byProcess(wanted)) {
    const runnable = tests.filter(test => skipReason(test.name, suite.protocol, program.hasJava) === undefined)
    for (const { name } of tests.filter(test => !runnable.includes(test)))
      record({ name, state: 'skip', seconds: 0, reason: skipReason(name, suite.protocol, program.hasJava)! })
    if (runnable.length > 0) waiting.push(runnable)
  }
  const { protocol, logFolder } = suite
  const worker = async () => {
    for (let tests = waiting.shift(); tests !== undefined; tests = waiting.shift()) {
      const run = { tests, protocol, ...(logFolder !== undefined && { logFolder }) }
      let outcomes = await runTests(program, run)
      if (suite.again && outcomes.some(outcome => outcome.state === 'fail')) outcomes = await runTests(program, run)
      for (const outcome of outcomes) record(outcome)
    }
  }
  await Promise.all(Array.from({ length: suite.jobs }, worker))
  return outcomes.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** A process is started by number and scenario. */
function byProcess(tests: readonly BrokerTest[]): BrokerTest[][] {
  const groups = new Map<string, BrokerTest[]>()
  for (const test of tests) {
    const key = `${test.number} ${test.scenario}`
    groups.set(key, [...(groups.get(key) ?? []), test])
  }
  return [...groups.values()]
}
