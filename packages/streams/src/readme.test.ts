import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'

const folder = new URL('../', import.meta.url)

test('the programs in the README run: what is built in the first counts in the second', async () => {
  const text = readFileSync(new URL('README.md', folder), 'utf8')
  const [building, testing] = [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, block]) => block!)
  // The instance would run for ever, and wants a broker; examples/word-count.ts has a test for that.
  const program = `${building!.replace(/await using streams .*\nawait streams.run\(\)\n/, '')}\n${testing}`
  assert.ok(!program.includes('new KafkaStreams'))
  const args = ['--input-type=module-typescript', '--eval', `${program}\nconsole.log('done')`]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, timeout: 30_000 })
  assert.equal(stdout, 'done\n')
})
