import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Lanes } from './lanes.ts'

test('so many run at a time, in the order asked for, and a failure frees its lane', async () => {
  const lanes = new Lanes(2)
  const started: number[] = []
  const finish: (() => void)[] = []
  const runs = [0, 1, 2, 3].map(i =>
    lanes.run(async () => {
      started.push(i)
      await new Promise<void>(resolve => {
        finish[i] = resolve
      })
      if (i === 0) throw new Error('no')
    }),
  )
  const failed = assert.rejects(runs[0]!, /no/)
  assert.deepEqual(started, [0, 1])
  finish[0]!()
  await failed
  await turn()
  assert.deepEqual(started, [0, 1, 2])
  for (const i of [1, 2]) finish[i]!()
  await turn()
  finish[3]!()
  await Promise.all(runs.slice(1))
  assert.equal(await lanes.run(async () => 'free'), 'free')
})
