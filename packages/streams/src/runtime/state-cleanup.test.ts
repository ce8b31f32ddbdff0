import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatedWorld } from '@odradek/world'
import { quiet } from '../handlers/handlers.ts'
import type { StateFolder } from '../state/state-folder.ts'
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
