/** Processors and members in processes of their own, with nobody who harms them: what they tell is whole, and nothing is found wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testCluster } from '../../packages/client/src/testing/test-cluster.ts'
import { Chaos } from './chaos.ts'
import { ChaosProxy } from './chaos-proxy.ts'
import { type ChurnLedger, MemberProcess } from './churn/member-process.ts'
import { ownersNow } from './churn/ownership.ts'
import { TransactionRun } from './transactions/transaction-run.ts'

const options = { seed: 1, isQuick: true, soakMinutes: 0 }

for (const rules of ['v1', 'v2'] as const) {
  test(`a processor by the rules of ${rules} tells of transactions in which every input is processed once`, async () => {
    await using chaos = new Chaos(options)
    const { bootstrap } = chaos.use(await testCluster())
    const [host, port] = bootstrap.split(':')
    const proxy = chaos.use(await ChaosProxy.start({ host: host!, port: Number(port) }, 1))
    const run = new TransactionRun(chaos, { rules, bootstrap, proxy: proxy.address, transactionTimeoutMs: 5_000 })
    await run.start(1)
    const { flaws, counts, commits, hanging } = await run.finish()
    assert.deepEqual(flaws, { missing: [], doubled: [], torn: [], unfounded: [] })
    assert.deepEqual([...counts], [])
    assert.equal(hanging, 0)
    assert.ok(commits >= 5)
  })
}

test('members of a process own every partition once, and none after it was killed', async () => {
  await using chaos = new Chaos(options)
  const { bootstrap, kafka, name } = chaos.use(await testCluster())
  const topic = name('t')
  await kafka().admin().topics.create({ name: topic, partitions: 4 })
  const ledger: ChurnLedger = { ownership: [], processed: new Map(), failures: [], joins: 0 }
  const own = { name: 'p', bootstrap, group: topic, topic, kinds: ['range', 'range'] as const }
  const process = new MemberProcess(chaos, own, ledger)
  for (const slot of [0, 1]) process.join(slot)
  const members = () => new Set([...ownersNow(ledger.ownership).values()].flat())
  for (const limit = performance.now() + 20_000; members().size < 2 || ownersNow(ledger.ownership).size < 4; ) {
    assert.ok(performance.now() < limit, 'both own partitions within 20 seconds')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  assert.ok([...ownersNow(ledger.ownership).values()].every(owners => owners.length === 1))
  await process.kill()
  assert.equal(ownersNow(ledger.ownership).size, 0)
  assert.deepEqual(ledger.failures, [])
})
