import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

test('an instance that comes back finds its state on disk, and restores what came since and no more', async () => {
  const stateFolder = mkdtempSync(join(tmpdir(), 'odradek-state-'))
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  await cluster.publish(['a b a', 'c'])
  const kept = { defaultStore: 'disk', stateFolder } as const
  const before = cluster.instance('one', kept)
  await cluster.finish(before.start())
  await cluster.until(() => before.state === 'RUNNING' && before.store('words').size === 3)
  const second = cluster.instance('two', kept)
  await cluster.finish(assert.rejects(second.start(), /state folder .* is in use/))
  await cluster.finish(before.close())
  const elsewhere = cluster.instance('three')
  await cluster.finish(elsewhere.start())
  await cluster.finish(elsewhere.running())
  await cluster.publish(['d'])
  await cluster.until(() => elsewhere.state === 'RUNNING' && elsewhere.store('words').size === 4)
  await cluster.finish(elsewhere.close())
  const restored: number[] = []
  const after = cluster.instance('one', {
    ...kept,
    onRestore: ({ restored: n, remaining }) => restored.push(n, remaining),
  })
  await cluster.finish(after.start())
  await cluster.finish(after.running())
  assert.deepEqual(restored.slice(-2), [1, 0])
  const counts = [...after.store<string, number>('words').all()].map(([word, { value }]) => [word, value])
  assert.deepEqual(counts, [
    ['a', 2],
    ['b', 1],
    ['c', 1],
    ['d', 1],
  ])
  await cluster.finish(assert.rejects(after.cleanUp(), /The instance is RUNNING: clean up before it starts/))
  await cluster.close(after)
  await after.cleanUp()
  assert.deepEqual(
    readdirSync(join(stateFolder, 'app')).filter(name => /^\d/.test(name)),
    [],
  )
  rmSync(stateFolder, { recursive: true })
})
