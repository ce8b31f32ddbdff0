import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachBatch } from '@odradek/protocol'
import { simulatedWorld } from '@odradek/world'
import { EmbeddedEngine } from '../embedded-engine.ts'
import { batchOf, topicOf } from '../testing/batches.ts'

for (const isolation of ['uncommitted', 'stable'] as const) {
  test(`a read from the disk tells the ends of when it began, for it has no records of after that (${isolation})`, async () => {
    const { clock, disk } = simulatedWorld({ seed: 1, disk: { syncMs: [1, 1], readMs: [100, 100] } })
    const limits = { tailBytes: 0, tailBytesEach: 0, journalBytes: 0 }
    const engine = await clock.finish(EmbeddedEngine.start({ clock, disk, folder: '/data', leaderEpoch: 0, limits }))
    await clock.finish(engine.open(topicOf()))
    const append = (value: string) => engine.append([batchOf({ values: [value] })], { acks: -1, deadline: Infinity })
    await clock.finish(append('a'))
    const read = { partition: 1, offset: 0, maxBytes: 1000, isolation }
    const reading = engine.read([read], { maxBytes: 1000, minOne: true })
    const [[result]] = await clock.finish(Promise.all([reading, append('b')]))
    assert.ok(result?.ok)
    const end = [...result.chunks].flatMap(chunk => [...eachBatch(chunk)]).at(-1)!.lastOffset + 1
    assert.deepEqual([result.state.highWatermark, result.state.lastStableOffset], [end, end])
    await clock.finish(engine.close({ drain: false }))
  })
}
