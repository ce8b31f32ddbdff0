import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { contractOf } from '../topic.ts'
import { ConsumerRecord } from './consumer-record.ts'
import { PartitionStay } from './partition-stay.ts'
import { type Order, type Work, WorkLanes } from './work-lanes.ts'

const stays = [0, 1].map(partition => new PartitionStay({ topic: 't', partition }, contractOf('t')))

function record(offset: number, key: string | null, stay: PartitionStay): ConsumerRecord {
  const raw = { offset, timestamp: 0, key: key === null ? null : Buffer.from(key), value: null, headers: [] }
  return new ConsumerRecord(raw, stay)
}

const rows = fc.array(fc.tuple(fc.constantFrom(null, 'a', 'b', 'c'), fc.nat(1)), { maxLength: 40 })
const laneOf: Record<Order, (key: string | null, partition: number, i: number) => string> = {
  partition: (_, partition) => `${partition}`,
  key: (key, partition, i) => (key === null ? `free ${i}` : `${partition} ${key}`),
  none: (_, __, i) => `free ${i}`,
}

for (const order of ['partition', 'key', 'none'] as const) {
  test(`order '${order}': works of a lane never overlap and keep their order; nothing else waits`, () => {
    fc.assert(
      fc.property(rows, fc.infiniteStream(fc.nat(1_000)), fc.integer({ min: 1, max: 5 }), (list, dice, concurrency) => {
        const lanes = new WorkLanes(order)
        for (const [i, [key, partition]] of list.entries())
          lanes.add(record(i, key, stays[partition]!), stays[partition]!, i)
        const active: Work[] = []
        const last = new Map<string, number>()
        const done = new Set<number>()
        const laneAt = (i: number) => laneOf[order](list[i]![0], list[i]![1], i)
        while (done.size < list.length) {
          for (let work = lanes.take(); work; work = active.length < concurrency ? lanes.take() : undefined) {
            const lane = laneAt(work.ticket)
            assert(!active.some(other => laneAt(other.ticket) === lane), 'overlap')
            assert((last.get(lane) ?? -1) < work.ticket, 'out of order')
            last.set(lane, work.ticket)
            active.push(work)
          }
          assert(active.length > 0, 'nothing is ready though work is left')
          const [finished] = active.splice(dice.next().value! % active.length, 1)
          done.add(finished!.ticket)
          lanes.done(finished!)
        }
        assert.equal(lanes.size, 0)
      }),
    )
  })
}

test('works of partitions that go away are forgotten, and their lanes go on for the others', () => {
  const lanes = new WorkLanes('partition')
  for (let i = 0; i < 6; i++) lanes.add(record(i, null, stays[i % 2]!), stays[i % 2]!, i)
  const first = lanes.take()!
  assert.equal(first.stay, stays[0])
  lanes.drop(stay => stay === stays[0])
  assert.equal(lanes.size, 3)
  lanes.done(first)
  const taken: number[] = []
  for (let work = lanes.take(); work; work = lanes.take()) {
    taken.push(work.ticket)
    lanes.done(work)
  }
  assert.deepEqual(taken, [1, 3, 5])
})
