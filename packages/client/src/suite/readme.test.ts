/** The program in the README works as it stands. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { testCluster } from '../testing/test-cluster.ts'

const folder = new URL('../../', import.meta.url)

test('the program in the README runs', async () => {
  await using cluster = await testCluster()
  const text = readFileSync(new URL('README.md', folder), 'utf8')
  const program = [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, block]) => block).join('\n')
  const code = program
    .replace('localhost:9092', cluster.bootstrap)
    .replaceAll("'orders'", `'${cluster.name('orders')}'`)
  const args = [
    '--input-type=module-typescript',
    '--eval',
    code.replaceAll("'billing'", `'${cluster.name('billing')}'`),
  ]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, timeout: 60_000 })
  assert.match(stdout, /o1 is at \d\/0\n995 more\n/)
  assert.match(stdout, /o1 9\n/)
})
