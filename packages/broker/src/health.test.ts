import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatedWorld } from '@odradek/world'
import { brokerHealth, HealthWatch } from './health.ts'

const range = (fromOffset: number, toOffset: number) => {
  return { segment: 0, fromPosition: 0, toPosition: 9, fromOffset, toOffset, reason: 'rot', foundAt: 0 }
}
const scrub = { last: undefined, current: undefined }

test('what is damaged or offline is said at the start, and every hour until it is not', async () => {
  const { clock } = simulatedWorld({ seed: 1 })
  const lines: string[] = []
  const note = (_: object, message: string) => void lines.push(message)
  const logger = { debug: note, info: note, warn: note, error: note }
  let health = brokerHealth({
    damaged: [{ topic: 't', partition: 3, ranges: [range(5, 7), range(9, 10)] }],
    ...{ offline: [], scrub },
  })
  const watch = new HealthWatch({ clock, logger, dataName: '/data' }, () => health)
  const damaged = '2 damaged ranges in 1 partition, 0 partitions offline; `odradek log verify /data` says more'
  assert.deepEqual(lines, [damaged])
  await clock.advance(3_600_000)
  assert.deepEqual(lines, [damaged, damaged])
  health = { damaged: [], offline: [{ topic: 't', partition: 1 }], scrub }
  await clock.advance(3_600_000)
  assert.match(lines[2]!, /^0 damaged ranges in 0 partitions, 1 partition offline/)
  health = { damaged: [], offline: [], scrub }
  await clock.advance(7_200_000)
  assert.equal(lines.length, 3)
  watch.close()
})
