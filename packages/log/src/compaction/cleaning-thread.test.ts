import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { realClock, realDisk } from '@odradek/world'
import { EmbeddedEngine } from '../embedded-engine.ts'
import { topicOf } from '../testing/batches.ts'
import { committedView } from '../testing/committed-view.ts'
import { keyedBatch } from '../testing/keyed-batches.ts'
import { notes } from '../testing/notes.ts'

const topic = topicOf({ cleanupPolicy: ['compact'], segmentBytes: 20_000, deleteRetentionMs: 1e9 })

test('on the disk of the machine a thread compacts beside appends and reads', { timeout: 30_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-compaction-'))
  const log = notes()
  const cleaned = Promise.withResolvers<void>()
  const logger = {
    ...log,
    info: (_: object, message: string) => {
      if (message === 'compacted a log') cleaned.resolve()
    },
  }
  const options = { clock: realClock, disk: realDisk, folder, logger, cleaner: () => ({ backoffMs: 5 }) }
  try {
    const engine = await EmbeddedEngine.start({ ...options, leaderEpoch: 0 })
    await engine.open(topic)
    let isDone = false
    void cleaned.promise.then(() => {
      isDone = true
    })
    let last = 0
    for (let i = 0; i < 200 || !isDone; i++) {
      const records = Array.from({ length: 10 }, (_, k) => ({ key: `key ${k}`, value: `${i} ${'.'.repeat(80)}` }))
      const [answer] = await engine.append([keyedBatch({ records })], { acks: -1, deadline: Number.POSITIVE_INFINITY })
      assert.ok(answer!.ok)
      last = i
      if (i % 20 === 0) await committedView(engine, 1, 50_000)
    }
    const check = async (from: EmbeddedEngine) => {
      const seen = await committedView(from, 1, 50_000)
      assert.ok(seen.length < (last + 1) * 10, 'some records are gone')
      const values = new Map(seen.map(({ key, value }) => [key, value!.split(' ')[0]]))
      for (let k = 0; k < 10; k++) assert.equal(values.get(`key ${k}`), String(last))
    }
    await check(engine)
    await engine.close({ drain: true })
    const again = await EmbeddedEngine.start({ ...options, leaderEpoch: 1, cleaner: () => ({ isEnabled: false }) })
    await again.open(topic)
    await check(again)
    await again.close({ drain: false })
    const names = await readdir(join(folder, 'orders-0'))
    assert.ok(names.includes('cleaned-offset'))
  } finally {
    await rm(folder, { recursive: true })
  }
})
