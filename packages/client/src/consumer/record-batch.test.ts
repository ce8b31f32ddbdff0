import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Intake, Piece } from './intake.ts'
import { collectBatch } from './record-batch.ts'

test('a batch whose records were taken away with their partition waits for others, without asking on and on', async () => {
  const waits: number[] = []
  let now = 0
  const pending: Piece[] = []
  const intake = {
    pending,
    wantsPoll: false,
    get length() {
      return pending.length
    },
    async fill(maxMs: number) {
      waits.push(maxMs)
      now += 100
      if (waits.length === 1) pending.push({ records: [{}], at: 0 } as unknown as Piece)
      if (waits.length === 2) pending.length = 0
    },
  } as unknown as Intake
  const pieces = await collectBatch(
    intake,
    { maxWaitMs: 100 },
    () => now,
    () => waits.length === 4,
  )
  assert.deepEqual(pieces, [])
  assert.deepEqual(waits.slice(2), [10_000, 10_000])
})
