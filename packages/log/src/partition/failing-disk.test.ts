/** A disk that fills up or fails under a running engine. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import { batchOf, valuesOf } from '../testing/batches.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'

const isStorageError = (answer: { ok: boolean; error?: number }) =>
  !answer.ok && answer.error === ErrorCodes.KAFKA_STORAGE_ERROR

test('a full disk refuses appends, serves reads, and takes appends again when there is space', async () => {
  const node = new SimulatedNode()
  await node.start()
  await node.append(batchOf({ values: ['before'] }))
  node.disk.setCapacity(node.disk.usedBytes + 50)
  for (const acks of [-1, 1, 0] as const) {
    assert(isStorageError(await node.append(batchOf({ values: ['lost'.repeat(50)] }), acks)))
  }
  assert.deepEqual(valuesOf(await node.read(0)), ['before'])
  node.disk.setCapacity(Number.POSITIVE_INFINITY)
  const answer = await node.append(batchOf({ values: ['after'] }))
  assert(answer.ok && answer.baseOffset === 1)
  await node.kill()
  assert.deepEqual(valuesOf(await node.read(0)), ['before', 'after'])
  assert.equal(node.notes.lines.filter(line => line.startsWith('cut off')).length, 0)
})

test('a refused batch of an idempotent producer can be sent again', async () => {
  const node = new SimulatedNode()
  await node.start()
  const sent = (baseSequence: number) => batchOf({ producerId: 1n, producerEpoch: 0, baseSequence })
  await node.append(sent(0))
  node.disk.fail({ on: 'write', code: 'ENOSPC', path: '.log' })
  assert(isStorageError(await node.append(sent(1))))
  const answer = await node.append(sent(1))
  assert(answer.ok && answer.baseOffset === 1 && !answer.duplicate)
})

test('a disk that fills up in the middle of making a folder or a segment only delays', async () => {
  for (const on of ['open', 'write'] as const) {
    for (let after = 0; after < 8; after++) {
      const node = new SimulatedNode({ segmentBytes: 200 })
      await node.start()
      const take = node.disk.fail({ on, code: 'ENOSPC', after, path: 'orders-0' })
      const values: string[] = []
      for (let i = 0; i < 12; i++) {
        const answer = await node.append(batchOf({ values: [`${i}`.padEnd(100)] }))
        if (answer.ok) values.push(`${i}`.padEnd(100))
        else assert(isStorageError(answer))
      }
      take()
      await node.kill()
      const seen: string[] = []
      while (seen.length < values.length) seen.push(...valuesOf(await node.read(seen.length), seen.length))
      assert.deepEqual(seen, values)
      assert(values.length >= 11)
    }
  }
})

test('after a failed sync a partition acknowledges, serves and takes nothing until a restart; others live on', async () => {
  const node = new SimulatedNode()
  await node.start()
  await node.append(batchOf({ values: ['durable'] }))
  await node.append(batchOf({ partition: 2, values: ['x'] }))
  node.disk.fail({ on: 'sync', code: 'EIO', path: 'orders-0' })
  assert(isStorageError(await node.append(batchOf({ values: ['never acknowledged'] }))))
  for (const acks of [-1, 1] as const) assert(isStorageError(await node.append(batchOf(), acks)))
  assert(isStorageError(await node.read(0)))
  const answer = await node.append(batchOf({ partition: 2, values: ['y'] }))
  assert(answer.ok)
  assert.deepEqual(valuesOf(await node.read(0, 2)), ['x', 'y'])
  node.world.machine('m').crash({ unsynced: 'lost' })
  await node.start()
  assert.deepEqual(valuesOf(await node.read(0)), ['durable'])
})

test('when the descriptors run out, appends and reads are refused, and work again later', async () => {
  const node = new SimulatedNode({}, { openFiles: 1, tailBytes: 0 })
  await node.start()
  await node.append(batchOf({ values: ['a'] }))
  await node.append(batchOf({ partition: 2, values: ['x'] }))
  const take = node.disk.fail({ on: 'open', code: 'EMFILE', times: 1000 })
  assert(isStorageError(await node.append(batchOf())))
  assert(isStorageError(await node.read(0)))
  take()
  assert((await node.append(batchOf({ values: ['b'] }))).ok)
  assert.deepEqual(valuesOf(await node.read(0)), ['a', 'b'])
})

test('an append that cannot be made durable in time is answered at its deadline', async () => {
  const node = new SimulatedNode()
  await node.start()
  await node.append(batchOf())
  const { clock } = node.world
  const late = node.engine.append([batchOf()], { acks: -1, deadline: clock.monotonic() + 0.5 })
  const [answer] = await node.settle(late)
  assert(!answer!.ok && answer!.error === ErrorCodes.REQUEST_TIMED_OUT)
})

test('a log start that cannot be made durable is not raised, for readers neither', async () => {
  const node = new SimulatedNode()
  await node.start()
  await node.append(batchOf({ values: ['a', 'b'] }))
  node.disk.fail({ on: 'sync', code: 'EIO', path: 'checkpoint' })
  const [trimmed] = await node.settle(node.engine.trim([{ partition: 1, before: 1 }]))
  assert(isStorageError(trimmed!))
  assert.deepEqual(valuesOf(await node.read(0)), ['a', 'b'])
  assert.equal((await node.settle(node.engine.state([1])))[0]!.logStartOffset, 0)
})
