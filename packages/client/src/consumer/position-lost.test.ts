/** What becomes of a position that the log does not have any more: whoever owns the engine may say, in simulated time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { append, play, t0 } from '../testing/engine-scene.ts'
import type { LostPosition } from './engine.ts'

test('the owner is told of a position that is out of range, and says where to go on', async () => {
  await play({}, async ({ cluster, engine, take, run }) => {
    for (const value of ['a', 'b', 'c']) append(cluster, value)
    const lost: LostPosition[] = []
    const hooks = {
      onPositionLost(at: LostPosition) {
        lost.push(at)
        return 'latest' as const
      },
    }
    const e = engine({ hooks })
    e.assign([t0])
    await take(e, 3)
    e.seek(t0, 99)
    while (e.position(t0) === 99 || e.position(t0) === undefined) await run(e.poll(100))
    append(cluster, 'd')
    assert.deepEqual(await take(e, 1), ['3=d'])
    assert.deepEqual(lost, [{ ...t0, reason: 'offset 99 is out of range' }])
  })
})

test('an owner that does not say leaves it to the configuration, and one that throws ends the engine with its error', async () => {
  await play({}, async ({ cluster, engine, take }) => {
    append(cluster, 'a')
    const silent = engine({ hooks: { onPositionLost: () => undefined } })
    silent.assign([t0])
    silent.seek(t0, 99)
    assert.deepEqual(await take(silent, 1), ['0=a'])
    const refusing = engine({
      hooks: {
        onPositionLost: ({ topic, partition }) => {
          throw new Error(`nothing is left of ${topic}-${partition}`)
        },
      },
    })
    refusing.assign([t0])
    refusing.seek(t0, 99)
    await assert.rejects(take(refusing, 1), /nothing is left of t-0/)
  })
})
