import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AppendBatch, Appended, LogEngine } from '@odradek/log'
import { ErrorCodes } from '@odradek/protocol'
import { simulatedWorld } from '@odradek/world'
import type { Topic } from '../cluster-store/cluster-store.ts'
import { quiet } from '../logger.ts'
import { MarkerWriter } from './marker-writer.ts'

const marker = { producerId: 7n, producerEpoch: 1, coordinatorEpoch: 3, outcome: 'commit' } as const
const at = (index: number) => ({ topic: 'orders', index })

/** Partition `index` has the number 10 + index; `answer` says what its log makes of a marker. */
function writer(answer: (partition: number) => Appended, partitions = 3) {
  const { clock } = simulatedWorld({ seed: 1 })
  const appended: number[] = []
  const engine = {
    append: async (batches: readonly AppendBatch[]) =>
      batches.map(({ partition }) => {
        appended.push(partition)
        return answer(partition)
      }),
  } as unknown as LogEngine
  const rows = Array.from({ length: partitions }, (_, index) => ({ index, id: 10 + index }))
  const cluster = {
    topic: (name: string) => (name === 'orders' ? ({ partitions: rows } as unknown as Topic) : undefined),
  }
  const warnings: string[] = []
  const logger = { ...quiet, warn: (_: object, message: string) => void warnings.push(message) }
  return { clock, appended, warnings, markers: new MarkerWriter({ engine, clock, logger, cluster, keepers: [] }) }
}

const fine: Appended = { ok: true, baseOffset: 0, logStartOffset: 0, duplicate: false }

test('partitions that are gone need no marker, and those that are past it neither', async () => {
  const past: Appended = { ok: false, error: ErrorCodes.INVALID_PRODUCER_EPOCH }
  const { clock, appended, markers } = writer(partition => (partition === 11 ? past : fine))
  const isDelayed: boolean[] = []
  await clock.finish(
    markers.write([at(0), at(1), at(9), { topic: 'gone', index: 0 }], marker, () => isDelayed.push(true)),
  )
  assert.deepEqual([appended, isDelayed], [[10, 11], []])
})

test('a partition that is offline is tried until it takes its marker; the others have theirs once', async () => {
  const offline: Appended = { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR }
  let failures = 3
  const { clock, appended, markers, warnings } = writer(partition =>
    partition === 12 && failures-- > 0 ? offline : fine,
  )
  const isDelayed: boolean[] = []
  await clock.finish(markers.write([at(0), at(2)], marker, () => isDelayed.push(true)))
  assert.deepEqual([appended, isDelayed, warnings.length], [[10, 12, 12, 12, 12], [true], 1])
})

test('closing ends the attempts', async () => {
  const { clock, markers } = writer(() => ({ ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR }))
  const written = markers.write([at(0)], marker, () => undefined)
  const refused = assert.rejects(written, /closing/)
  await clock.advance(2_000)
  markers.close()
  await clock.finish(refused)
})
