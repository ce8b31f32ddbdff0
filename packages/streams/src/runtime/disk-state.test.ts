import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { StreamsBuilder } from '../index.ts'
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

test('state on disk that came from another topic of the same name is given up: its offsets mean nothing there', async () => {
  const stateFolder = mkdtempSync(join(tmpdir(), 'odradek-state-'))
  const kept = { defaultStore: 'disk', stateFolder } as const
  const warned: string[] = []
  const logger = { warn: (_: object, message: string) => void warned.push(message), error: () => {} }
  for (const [seed, line] of [
    [1, 'a b c'],
    [2, 'v w x y z'],
  ] as const) {
    const cluster = await SimulatedCluster.start(seed)
    await cluster.makeTopics(1)
    await cluster.publish([line])
    const first = cluster.instance('elsewhere')
    await cluster.finish(first.start())
    await cluster.until(() => first.state === 'RUNNING' && first.store('words').size === line.split(' ').length)
    await cluster.finish(first.close())
    const app = cluster.instance('one', { ...kept, logger })
    await cluster.finish(app.start())
    await cluster.until(() => app.state === 'RUNNING' && app.store('words').size === line.split(' ').length)
    const words = [...app.store<string, number>('words').all()].map(([word]) => word)
    assert.deepEqual(words, line.split(' '))
    await cluster.finish(app.close())
    await cluster.close()
  }
  assert.equal(warned.filter(message => message.includes('or is another topic now')).length, 1)
  rmSync(stateFolder, { recursive: true })
})

test('a store that says it is on disk is there, whatever the application says; without a folder, in the usual one', async () => {
  const usual = mkdtempSync(join(tmpdir(), 'odradek-usual-'))
  const { TMPDIR: before } = process.env
  process.env.TMPDIR = usual
  try {
    const builder = new StreamsBuilder()
    builder.table('lines', { key: serde.string, value: serde.string, store: { name: 'kept', in: 'disk' } })
    const cluster = await SimulatedCluster.start(3)
    await cluster.makeTopics(1)
    await cluster.publish(['a'])
    const app = cluster.instance('one', { defaultStore: 'memory' }, builder.build())
    await cluster.finish(app.start())
    await cluster.until(() => app.state === 'RUNNING' && [...app.store('kept').all()].length === 1)
    await cluster.finish(app.close())
    const folder = join(usual, 'odradek-streams', 'app')
    assert.deepEqual(
      readdirSync(folder).filter(name => /^\d/.test(name)),
      ['0_0'],
    )
    await app.cleanUp()
    assert.deepEqual(
      readdirSync(folder).filter(name => /^\d/.test(name)),
      [],
    )
    await cluster.close()
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    rmSync(usual, { recursive: true })
  }
})
