/** The journal under a running engine, on a disk that loses what is not synced and fails when told to. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import type { AppendBatch, Appended } from '../engine.ts'
import { batchOf, topicOf, valuesOf } from '../testing/batches.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'

const many = Array.from({ length: 20 }, (_, index) => ({ index, id: index + 1 }))
const pieceBytes = 64 * 1024

/** Every partition has its folder and a first record, so that what comes next comes at once. */
async function nodeWithJournal(limits: { journalBytes?: number } = {}): Promise<SimulatedNode> {
  const node = new SimulatedNode({}, { journalBytes: pieceBytes, ...limits })
  await node.start()
  await openMany(node)
  await appendEverywhere(node, 'begin')
  return node
}

const openMany = (node: SimulatedNode) => node.settle(node.engine.open({ ...topicOf(), partitions: many }))

async function powerFails(node: SimulatedNode): Promise<void> {
  node.world.machine('m').crash({ unsynced: 'lost' })
  await node.start()
  await openMany(node)
}

/** One batch to each of the partitions at once. */
async function appendEverywhere(node: SimulatedNode, value: string): Promise<Appended[]> {
  const batches = many.map(({ id }): AppendBatch => batchOf({ partition: id, values: [value] }))
  return node.settle(node.engine.append(batches, { acks: -1, deadline: Number.POSITIVE_INFINITY }))
}

async function assertEverywhere(node: SimulatedNode, values: string[]): Promise<void> {
  for (const { id } of many) assert.deepEqual(valuesOf(await node.read(1, id)), values, `partition ${id}`)
}

function countSyncs(node: SimulatedNode): { journal: number; segments: number } {
  const count = { journal: 0, segments: 0 }
  node.disk.observe((operation, path) => {
    if (operation !== 'sync') return
    if (path.includes('/journal/')) count.journal++
    else if (path.endsWith('.log')) count.segments++
  })
  return count
}

const allOk = (answers: Appended[]): boolean => answers.every(({ ok }) => ok)

test('what many partitions have to sync is one sync of the journal, and survives a power failure', async () => {
  const node = await nodeWithJournal()
  const count = countSyncs(node)
  assert(allOk(await appendEverywhere(node, 'a')))
  assert.deepEqual(count, { journal: 2, segments: 0 })
  await powerFails(node)
  await assertEverywhere(node, ['a'])
  assert.match(node.notes.lines.join('\n'), /replayed the journal .*"partitions":20/)
})

test('what is larger is a sync of its own file; little is one of the journal, and nothing else, also when it comes alone', async () => {
  const node = await nodeWithJournal()
  const batches = [1, 2].map(partition => batchOf({ partition, values: ['x'.repeat(40_000)] }))
  const count = countSyncs(node)
  await node.settle(node.engine.append(batches, { acks: -1, deadline: Number.POSITIVE_INFINITY }))
  assert.deepEqual(count, { journal: 0, segments: 4 })
  await node.append(batchOf())
  assert.deepEqual(count, { journal: 2, segments: 4 })
  await powerFails(node)
  assert.equal(valuesOf(await node.read(2, 1)).length, 1)
})

test('a piece is written over when everything in it is durable elsewhere, and nothing is lost on the way', async () => {
  const node = await nodeWithJournal({ journalBytes: 8192 })
  const values: string[] = []
  for (let i = 0; i < 40; i++) {
    values.push(`${i}`)
    assert(allOk(await appendEverywhere(node, `${i}`)))
    if (i % 10 === 5) await powerFails(node)
  }
  await assertEverywhere(node, values)
  assert((await node.disk.list('/data/journal')).length <= 2)
})

test('a quiet journal leaves a start nothing to do', async () => {
  const node = await nodeWithJournal()
  await appendEverywhere(node, 'a')
  const count = countSyncs(node)
  await node.world.clock.advance(60_000)
  assert.equal(count.segments, 2 * many.length)
})

test('a torn write at the start of a piece that is filled anew after a quiet time is no damage', async () => {
  for (let round = 1; round < 5; round++) {
    const node = await nodeWithJournal()
    await appendEverywhere(node, 'a')
    for (let quiet = 0; quiet < round; quiet++) {
      await node.world.clock.advance(60_000)
      if (quiet < round - 1) await appendEverywhere(node, 'b')
    }
    const tear = () => node.disk.rot(`/data/journal/${written.at(-1)}`, 50, 1)
    const written: string[] = []
    node.disk.observe((operation, path) => {
      if (operation === 'write' && path.includes('/journal/')) written.push(path.slice(path.lastIndexOf('/') + 1))
    })
    void node.engine.append([batchOf({ values: ['torn'] })], { acks: -1, deadline: Number.POSITIVE_INFINITY })
    while (written.length === 0) await node.world.clock.advance(0.01)
    node.disk.observe(undefined)
    node.world.machine('m').crash({ unsynced: 'kept' })
    tear()
    await node.start()
    assert.doesNotMatch(node.notes.lines.join('\n'), /the journal is damaged/, `after ${round}`)
  }
})

test('an orderly shutdown leaves no journal', async () => {
  const node = await nodeWithJournal()
  await appendEverywhere(node, 'a')
  await node.settle(node.engine.close({ drain: true }))
  assert.equal((await node.disk.list('/data')).includes('journal'), false)
  await powerFails(node)
  await assertEverywhere(node, ['a'])
})

test('after a failed sync nothing is acknowledged from the journal, and files are synced themselves', async () => {
  const node = await nodeWithJournal()
  await appendEverywhere(node, 'before')
  node.disk.fail({ on: 'sync', code: 'EIO', path: '/journal/' })
  assert(allOk(await appendEverywhere(node, 'during')))
  const count = countSyncs(node)
  assert(allOk(await appendEverywhere(node, 'after')))
  assert.equal(count.journal, 0)
  assert(count.segments >= many.length)
  await powerFails(node)
  await assertEverywhere(node, ['before', 'during', 'after'])
})

test('a journal that cannot grow delays nobody, and is used again later', async () => {
  const node = await nodeWithJournal()
  node.disk.fail({ on: 'write', code: 'ENOSPC', path: '/journal/' })
  assert(allOk(await appendEverywhere(node, 'a')))
  await node.world.clock.advance(10_000)
  const count = countSyncs(node)
  assert(allOk(await appendEverywhere(node, 'b')))
  assert(count.journal > 0)
  await powerFails(node)
  await assertEverywhere(node, ['a', 'b'])
})

test('a file of the journal grows ahead of what is written, or by what is written alone where there is no room for more', async () => {
  for (const isFull of [false, true]) {
    const node = new SimulatedNode({}, { journalBytes: pieceBytes })
    await node.start()
    await openMany(node)
    if (isFull) node.disk.fail({ on: 'write', code: 'ENOSPC', path: '/journal/' })
    for (const value of ['begin', 'a', 'b']) assert(allOk(await appendEverywhere(node, value)))
    const [piece] = await node.disk.list('/data/journal')
    const { length } = await node.disk.readFile(`/data/journal/${piece}`)
    assert.equal(length, pieceBytes, `full: ${isFull}`)
    await powerFails(node)
    await assertEverywhere(node, ['a', 'b'])
  }
})

test('a file of the journal that could not grow ahead once does so later, and not over what it holds', async () => {
  const node = new SimulatedNode({}, { journalBytes: 4 * pieceBytes })
  await node.start()
  await openMany(node)
  node.disk.fail({ on: 'write', code: 'ENOSPC', path: '/journal/' })
  for (const value of ['a', 'b']) assert(allOk(await appendEverywhere(node, value)))
  await powerFails(node)
  for (const { id } of many) assert.deepEqual(valuesOf(await node.read(0, id)), ['a', 'b'], `partition ${id}`)
})

test('a file that cannot be synced behind the journal is offline; what it had acknowledged is there after a restart', async () => {
  const node = await nodeWithJournal()
  await appendEverywhere(node, 'acknowledged')
  const take = node.disk.fail({ on: 'sync', code: 'EIO', path: 'orders-3/', times: 100 })
  const others = many.filter(({ index }) => index !== 3)
  for (let i = 0; i < 40; i++) {
    const batches = others.map(({ id }) => batchOf({ partition: id, values: [`${i}`] }))
    assert(allOk(await node.settle(node.engine.append(batches, { acks: -1, deadline: Number.POSITIVE_INFINITY }))))
  }
  const answer = await node.append(batchOf({ partition: 4 }))
  assert(!answer.ok && answer.error === ErrorCodes.KAFKA_STORAGE_ERROR)
  take()
  await powerFails(node)
  assert.deepEqual(valuesOf(await node.read(1, 4)), ['acknowledged'])
})

test('a descriptor that the journal has spared a sync has it before it is closed, and its failure loses nothing', async () => {
  const node = new SimulatedNode({}, { journalBytes: pieceBytes, openFiles: 4 })
  await node.start()
  await openMany(node)
  await appendEverywhere(node, 'begin')
  const unsynced = new Set<string>()
  node.disk.observe((operation, path) => {
    if (path.endsWith('.log') && operation === 'write') unsynced.add(path)
    else if (operation === 'sync') unsynced.delete(path)
  })
  assert(allOk(await appendEverywhere(node, 'a')))
  assert(unsynced.size > 0 && unsynced.size <= 4, `${unsynced.size} files depend on the journal`)
  const take = node.disk.fail({ on: 'sync', code: 'EIO', path: 'orders-3/', times: 1 })
  assert(allOk((await appendEverywhere(node, 'b')).filter((_, index) => index !== 3)))
  await node.world.clock.advance(60_000)
  const answer = await node.append(batchOf({ partition: 4 }))
  assert(!answer.ok && answer.error === ErrorCodes.KAFKA_STORAGE_ERROR)
  take()
  await powerFails(node)
  for (const { id, index } of many) {
    const values = valuesOf(await node.read(1, id))
    assert.deepEqual(values.slice(0, index === 3 ? 1 : 2), index === 3 ? ['a'] : ['a', 'b'])
  }
})

test('a direct sync asked for while one behind the journal fails is not answered for', async () => {
  const node = await nodeWithJournal()
  await appendEverywhere(node, 'journaled')
  const take = node.disk.fail({ on: 'sync', code: 'EIO', path: 'orders-3/', times: 1 })
  const batch = batchOf({ partition: 4, values: ['x'.repeat(40_000)] })
  let direct: Promise<Appended[]> | undefined
  let syncs = 0
  node.disk.observe((operation, path) => {
    if (operation !== 'sync' || !path.includes('orders-3/')) return
    syncs++
    direct ??= node.engine.append([batch], { acks: -1, deadline: Number.POSITIVE_INFINITY })
  })
  await node.world.clock.advance(60_000)
  const answer = (await node.settle(direct!))[0]!
  assert(!answer.ok && answer.error === ErrorCodes.KAFKA_STORAGE_ERROR)
  assert.equal(syncs, 1, 'none begins beside the one that fails, nor after it')
  take()
  await powerFails(node)
  assert.equal(valuesOf(await node.read(1, 4))[0], 'journaled')
})

test('entries that cannot be written again keep their partition offline and the journal in place', async () => {
  const node = await nodeWithJournal()
  await appendEverywhere(node, 'acknowledged')
  const take = node.disk.fail({ on: 'write', code: 'EIO', path: 'orders-3/', times: 100 })
  await powerFails(node)
  const refused = await node.read(0, 4)
  assert(!refused.ok && refused.error === ErrorCodes.KAFKA_STORAGE_ERROR)
  assert.deepEqual(valuesOf(await node.read(1, 5)), ['acknowledged'])
  take()
  await node.kill()
  await openMany(node)
  await assertEverywhere(node, ['acknowledged'])
})

test('a piece that cannot be read stops no start, and is not replayed over what comes later', async () => {
  const node = await nodeWithJournal()
  await appendEverywhere(node, 'acknowledged')
  node.world.machine('m').crash({ unsynced: 'lost' })
  const take = node.disk.fail({ on: 'read', code: 'EIO', path: '/journal/', times: 100 })
  await node.start()
  await openMany(node)
  take()
  assert.match(node.notes.lines.join('\n'), /cannot read a piece of the journal/)
  const answer = await node.append(batchOf({ partition: 4, values: ['y'.repeat(1000)] }))
  assert(answer.ok)
  await powerFails(node)
  assert.deepEqual(valuesOf(await node.read(answer.baseOffset, 4)), ['y'.repeat(1000)])
})

test('an orderly shutdown keeps what the journal could not be rid of', async () => {
  const node = await nodeWithJournal()
  await appendEverywhere(node, 'acknowledged')
  node.world.machine('m').crash({ unsynced: 'lost' })
  const take = node.disk.fail({ on: 'write', code: 'EIO', path: 'orders-3/', times: 100 })
  await node.start({ open: { ...topicOf(), partitions: [] } })
  take()
  await node.settle(node.engine.close({ drain: true }))
  await powerFails(node)
  await assertEverywhere(node, ['acknowledged'])
})

test('a journal that somebody has removed is missed, and its records are', async () => {
  const node = await nodeWithJournal()
  await appendEverywhere(node, 'acknowledged')
  await node.world.clock.advance(10_000)
  node.world.machine('m').crash({ unsynced: 'lost' })
  await node.disk.remove('/data/journal')
  await node.start()
  await openMany(node)
  const lost = await node.read(1, 4)
  assert(!lost.ok && lost.error === ErrorCodes.CORRUPT_MESSAGE)
  const answer = await node.append(batchOf({ partition: 4 }))
  assert(answer.ok && answer.baseOffset === 2)
})

test('what was replayed is durable before the journal goes', async () => {
  const node = await nodeWithJournal()
  await appendEverywhere(node, 'acknowledged')
  node.world.machine('m').crash({ unsynced: 'lost' })
  await node.start({ open: { ...topicOf(), partitions: [] } })
  await node.settle(node.disk.syncFolder('/data/journal'))
  assert.deepEqual(await node.disk.list('/data/journal'), [])
  await powerFails(node)
  await assertEverywhere(node, ['acknowledged'])
})

/** A start during which the power fails at this operation. False: it had ended before. */
async function failsDuringStart(node: SimulatedNode, operation: number, unsynced: 'lost' | 'kept' | 'seeded') {
  let left = operation
  node.disk.observe(() => {
    if (--left === 0) node.disk.crash({ unsynced })
  })
  await node
    .start()
    .then(() => openMany(node))
    .catch(() => undefined)
  node.disk.observe(undefined)
  return left <= 0
}

test('power that fails at any operation of a start, and of the one after it, leaves everything to the next', async () => {
  for (const unsynced of ['lost', 'kept', 'seeded'] as const) {
    let hasFailed = true
    for (let operation = 1; hasFailed; operation += 3) {
      const node = await nodeWithJournal()
      await appendEverywhere(node, 'acknowledged')
      node.world.machine('m').crash({ unsynced: 'lost' })
      hasFailed = await failsDuringStart(node, operation, unsynced)
      assert(hasFailed || operation > 2 * many.length, `a start has ${operation} operations`)
      await failsDuringStart(node, operation + 1, unsynced)
      await powerFails(node)
      await assertEverywhere(node, ['acknowledged'])
    }
  }
})

test('a start looks once into the folder of a partition that the journal speaks of', async () => {
  const node = await nodeWithJournal()
  await appendEverywhere(node, 'acknowledged')
  node.world.machine('m').crash({ unsynced: 'lost' })
  const { disk } = node
  const looks = new Map<string, number>()
  const list = disk.list
  disk.list = folder => {
    looks.set(folder, (looks.get(folder) ?? 0) + 1)
    return list.call(disk, folder)
  }
  await node.start()
  await openMany(node)
  for (const { index } of many) assert.equal(looks.get(`/data/orders-${index}`), 1)
})

test('a start tells of all logs that it looked through in one line', async () => {
  const node = await nodeWithJournal()
  await appendEverywhere(node, 'acknowledged')
  node.world.machine('m').crash({ unsynced: 'lost' })
  await node.start({ open: { ...topicOf(), partitions: many } })
  const told = node.notes.lines.filter(line => line.startsWith('recovered'))
  assert.equal(told.length, 1)
  assert.match(told[0]!, /^recovered logs {"partitions":20,"bytesScanned":[1-9]\d*,"bytesCut":0,"ms":\d+}$/)
})

test('a topic that was deleted does not come back, nor into another one of its name', async () => {
  const node = await nodeWithJournal()
  await appendEverywhere(node, 'old')
  await node.settle(node.engine.drop(topicOf().topicId))
  const next = topicOf({}, '7c1d2f6a-55e0-4f0b-9a63-0d6f9f1e2b02')
  await node.settle(node.engine.open(next))
  const value = 'new'.repeat(20_000)
  await node.append(batchOf({ values: [value] }))
  node.world.machine('m').crash({ unsynced: 'kept' })
  await node.start({ open: next })
  assert.deepEqual(valuesOf(await node.read(0)), [value])
})
