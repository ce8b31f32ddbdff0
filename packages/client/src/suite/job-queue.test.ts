/** The example of a queue works as it stands, on a fresh broker. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { testCluster } from '../testing/test-cluster.ts'

const example = fileURLToPath(new URL('../../../../examples/job-queue.ts', import.meta.url))

test('examples/job-queue.ts sends every mail once, whatever fails on the way', async () => {
  await using cluster = await testCluster()
  const { stdout } = await promisify(execFile)(process.execPath, [example, cluster.bootstrap], { timeout: 25_000 })
  const sent = [...stdout.matchAll(/worker \d sends to user(\d+)@/g)].map(([, i]) => Number(i))
  const all = Array.from({ length: 20 }, (_, i) => i).filter(i => i !== 13)
  assert.deepEqual(
    sent.toSorted((a, b) => a - b),
    all,
  )
  assert.match(stdout, /user3@example.org, delivery 2\n/)
  assert.match(stdout, /all mails are sent\n$/)
})
