import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { simulatedWorld } from '@odradek/world'
import { quiet } from '../handlers/handlers.ts'
import type { StateFolder } from '../state/state-folder.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'
import { StateCleanup } from './state-cleanup.ts'

test('state that is elsewhere is looked for after each delay, until the instance ends; a failure is told and tried again', async () => {
  const { clock } = simulatedWorld({ seed: 1 })
  const looks: number[] = []
  const told: string[] = []
  const folder = {
    removeStale: (_: number, delayMs: number) => {
      looks.push(delayMs)
      if (looks.length === 2) throw new Error('busy')
      return []
    },
  } as unknown as StateFolder
  const logger = { ...quiet, warn: (_: object, message: string) => void told.push(message) }
  const cleanup = new StateCleanup({ clock, folder, delayMs: 600_000, logger })
  await clock.advance(599_999)
  assert.deepEqual(looks, [])
  await clock.advance(1_300_000)
  assert.deepEqual(looks, [600_000, 600_000, 600_000])
  assert.equal(told.length, 1)
  cleanup.close()
  await clock.advance(1_300_000)
  assert.equal(looks.length, 3)
})

test('an instance removes state of tasks that are elsewhere, and keeps what it has, however long it only reads', async () => {
  const stateFolder = mkdtempSync(join(tmpdir(), 'odradek-cleanup-'))
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  const app = cluster.instance('one', { defaultStore: 'disk', stateFolder, stateCleanupDelayMs: 60_000 })
  await cluster.finish(app.start())
  await cluster.finish(app.running())
  const longAgo = new Date(cluster.world.clock.now() - 3_600_000)
  const tasks = () => readdirSync(join(stateFolder, 'app')).filter(name => /^\d/.test(name))
  mkdirSync(join(stateFolder, 'app', '1_7'))
  assert.deepEqual(tasks(), ['1_0', '1_7'])
  for (const name of ['1_0/data.mdb', '1_0', '1_7']) utimesSync(join(stateFolder, 'app', name), longAgo, longAgo)
  await cluster.world.clock.advance(61_000)
  assert.deepEqual(tasks(), ['1_0'])
  mkdirSync(join(stateFolder, 'app', '1_8'))
  utimesSync(join(stateFolder, 'app', '1_8'), longAgo, longAgo)
  await cluster.close(app)
  await cluster.world.clock.advance(61_000)
  assert.deepEqual(tasks(), ['1_0', '1_8']) // an instance that has ended looks no more
  rmSync(stateFolder, { recursive: true })
})
