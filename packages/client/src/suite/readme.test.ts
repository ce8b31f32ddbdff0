/** The program in the README works as it stands, and so does the example. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
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
  const names = ['billing', 'billed', 'billing-1', 'payments', 'packers']
  const fresh = names.reduce((text, name) => text.replaceAll(`'${name}'`, `'${cluster.name(name)}'`), code)
  const args = ['--input-type=module-typescript', '--eval', fresh]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, timeout: 60_000 })
  assert.match(stdout, /o1 is at \d\/0\n995 more\n/)
  assert.match(stdout, /o1 9\n/)
  assert.match(stdout, /pack o2, delivery 1\n/)
  assert.match(stdout, /\d+ paid\n/)
})

test('the example of exactly-once processing runs, and ends when told to', async () => {
  await using cluster = await testCluster()
  if (cluster.isForeign) return // its topics have fixed names
  const kafka = cluster.kafka()
  await kafka.admin().topics.create({ name: 'orders', partitions: 2 })
  await kafka.producer().send('orders', { key: 'o1', value: '{"id":"o1","total":9}' })
  const program = new URL('../../examples/exactly-once.ts', folder)
  const example = spawn(process.execPath, [program.pathname, cluster.bootstrap], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface(example.stdout)) if (line === '1 orders are paid') example.kill('SIGINT')
  const [code] = example.exitCode === null ? await once(example, 'exit') : [example.exitCode]
  assert.equal(code, 0)
  const paid = await Array.fromAsync(kafka.read('payments', { isolation: 'read_committed' }))
  assert.deepEqual(
    paid.map(({ value }) => Buffer.from(value!).toString()),
    ['{"order":"o1","amount":9}'],
  )
})
