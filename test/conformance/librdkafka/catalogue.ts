/** The tests that librdkafka's program has, read from its own table (`tests[]` in test.c), without those that need no broker. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface BrokerTest {
  /** As the table names it: `0045_subscribe_update`. */
  readonly name: string
  /** What selects it: `0045`. Several tests may share one; they run one after the other in one process. */
  readonly number: string
  /** Which settings of the cluster it wants. */
  readonly scenario: 'default' | 'noautocreate'
}

export async function brokerTests(folder: string): Promise<BrokerTest[]> {
  return parse(await readFile(join(folder, 'test.c'), 'utf8'))
}

export function parse(source: string): BrokerTest[] {
  const table = /^struct test tests\[\] = \{$([\s\S]*?)^ *\{NULL\}/m.exec(source)?.[1]
  if (table === undefined) throw new Error('test.c has no table of tests where this version of the suite looks for it')
  const tests: BrokerTest[] = []
  for (const entry of table.split(/(?=\b_TEST\()/).slice(1)) {
    const [, name, flags] = /^_TEST\((\w+),\s*([\w\s|]+)/.exec(entry)!
    if (flags!.includes('TEST_F_LOCAL')) continue
    tests.push({
      name: name!,
      number: name!.slice(0, name!.indexOf('_')),
      scenario: /\.scenario = "noautocreate"/.test(entry) ? 'noautocreate' : 'default',
    })
  }
  return tests
}
