import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchBuilder } from '@odradek/protocol'
import { ProducerBatch } from './batch.ts'
import { Generation } from './generation.ts'
import { type Outcome, PartitionQueue, type QueueRules } from './partition-queue.ts'

const identity = { producerId: 7n, epoch: 0 }
const lost: Outcome = { kind: 'retry', error: new Error('lost'), pauseMs: 10 }
const outOfOrder: Outcome = { kind: 'out-of-order', error: new Error('gap') }
const refused: Outcome = { kind: 'refused', error: new Error('no') }
const delivered: Outcome = { kind: 'delivered', baseOffset: 0, appendTime: -1 }

function queueOf(batches: number, rules: QueueRules = { isIdempotent: true, maxInFlight: 5 }): PartitionQueue {
  const queue = new PartitionQueue('t', 0, rules)
  queue.leader = 1
  for (let i = 0; i < batches; i++) add(queue, 2)
  return queue
}

function add(queue: PartitionQueue, records: number, deadline = 1_000): ProducerBatch {
  const owner = { settled: () => {} }
  const batch = new ProducerBatch(owner, new BatchBuilder(), new Generation(), queue.nextOrder, deadline)
  const ignore = { delivered: () => {}, failed: () => {}, wrong: () => {} }
  for (let i = 0; i < records; i++) batch.append({ value: `${batch.order + i}` }, 0, ignore)
  queue.open = batch
  queue.closeOpen()
  return batch
}

/** What may be sent now, each as epoch:sequence. */
function takeAll(queue: PartitionQueue, now = 0): ProducerBatch[] {
  const taken: ProducerBatch[] = []
  for (let batch = queue.take(now, identity); batch; batch = queue.take(now, identity)) taken.push(batch)
  return taken
}

const numbered = (batches: ProducerBatch[]) => batches.map(batch => `${batch.identity!.epoch}:${batch.sequence}`)

/** The first batch delivered, so that the broker knows the producer. */
function introduced(batches: number): PartitionQueue {
  const queue = queueOf(batches + 1)
  queue.settle(takeAll(queue)[0]!, delivered, 0)
  return queue
}

test('until the broker knows the producer, one batch at a time: it would take any sequence number', () => {
  const queue = queueOf(3)
  const first = takeAll(queue)
  assert.deepEqual(numbered(first), ['0:0'])
  queue.settle(first[0]!, delivered, 0)
  assert.deepEqual(numbered(takeAll(queue)), ['0:2', '0:4'])
})

test('five batches are in flight at most', () => {
  const queue = introduced(9)
  assert.equal(takeAll(queue).length, 5)
})

test('after a failure nothing is sent until all is answered; then the failed go first, as they were numbered', () => {
  const queue = introduced(6)
  const [a, ...rest] = takeAll(queue)
  queue.settle(a!, lost, 0)
  assert.deepEqual(takeAll(queue, 100), [])
  for (const batch of rest) queue.settle(batch, outOfOrder, 0)
  assert.deepEqual(takeAll(queue, 5), [], 'the pause is kept')
  assert.deepEqual(numbered(takeAll(queue, 10)), ['0:2', '0:4', '0:6', '0:8', '0:10'])
})

test('a broker that refuses the first in line as out of order gets all again in the next epoch, from 0', () => {
  const queue = introduced(3)
  const [a, b, c] = takeAll(queue)
  queue.settle(a!, outOfOrder, 0)
  queue.settle(b!, outOfOrder, 0)
  queue.settle(c!, outOfOrder, 0)
  const first = takeAll(queue)
  assert.deepEqual(numbered(first), ['1:0'])
  queue.settle(first[0]!, delivered, 0)
  assert.deepEqual(numbered(takeAll(queue)), ['1:2', '1:4'])
})

test('a batch refused for good leaves no gap behind', () => {
  const queue = introduced(3)
  const [a, b, c] = takeAll(queue)
  queue.settle(a!, refused, 0)
  queue.settle(b!, outOfOrder, 0)
  queue.settle(c!, outOfOrder, 0)
  assert.deepEqual(numbered(takeAll(queue)), ['1:0'])
  assert.ok(a!.isSettled && !b!.isSettled)
})

test('a batch of unknown fate is never more than five behind the newest, or the broker would take its repetition for new', () => {
  const queue = introduced(8)
  const [a, ...rest] = takeAll(queue)
  queue.settle(a!, lost, 0)
  for (const batch of rest) queue.settle(batch, delivered, 0)
  const again = takeAll(queue, 100)
  assert.deepEqual(again, [a], 'four later ones are in the log already')
  queue.settle(a!, delivered, 100)
  assert.equal(takeAll(queue, 100).length, 3)
})

test('batches whose time is over do not stand in the way of others', () => {
  const queue = introduced(5)
  const five = takeAll(queue)
  for (const batch of five) queue.settle(batch, lost, 0)
  const fresh = add(queue, 2, 5_000)
  assert.equal(queue.expire(2_000, () => new Error('late')).length, 5)
  assert.deepEqual(takeAll(queue, 2_000), [fresh])
  assert.deepEqual(numbered([fresh]), ['0:12'])
})

test('batches do not overtake those in flight to an old leader', () => {
  const queue = introduced(1)
  const [a] = takeAll(queue)
  queue.leader = 2
  const b = add(queue, 2)
  assert.deepEqual(takeAll(queue), [])
  queue.settle(a!, delivered, 0)
  assert.deepEqual(takeAll(queue), [b])
})

test('when the epochs are used up another producer id is asked for', () => {
  const queue = queueOf(1, { isIdempotent: true, maxInFlight: 5, maxEpoch: 0 })
  const [a] = takeAll(queue)
  queue.settle(a!, outOfOrder, 0)
  assert.equal(queue.spentId, 7n)
  assert.deepEqual(takeAll(queue), [])
  assert.equal(queue.take(0, { producerId: 8n, epoch: 0 })!.identity!.producerId, 8n)
})

test('sequence numbers wrap from 2^31 - 1 to 0', () => {
  const queue = new PartitionQueue('t', 0, { isIdempotent: true, maxInFlight: 5, firstSequence: 2 ** 31 - 1 })
  queue.leader = 1
  add(queue, 2)
  add(queue, 2)
  const [first] = takeAll(queue)
  queue.settle(first!, delivered, 0)
  assert.deepEqual(numbered([first!, ...takeAll(queue)]), [`0:${2 ** 31 - 1}`, '0:1'])
})

test('without sequence numbers nothing is numbered and order is one at a time', () => {
  const queue = queueOf(3, { isIdempotent: false, maxInFlight: 1 })
  const [a, ...none] = takeAll(queue)
  assert.equal(none.length, 0)
  assert.equal(a!.sequence, -1)
})

test('a batch that is too large is halved with the numbers it had', () => {
  const queue = introduced(0)
  const big = add(queue, 8)
  queue.take(0, identity)
  queue.settle(big, { kind: 'too-large', error: new Error('large') }, 0)
  const parts: ProducerBatch[] = []
  for (let some = takeAll(queue); some.length > 0; some = takeAll(queue)) {
    for (const part of some) queue.settle(part, delivered, 0)
    parts.push(...some)
  }
  assert.ok(parts.length >= 2)
  let expected = 2
  for (const part of parts) {
    assert.equal(part.sequence, expected)
    expected += part.recordCount
  }
  assert.equal(expected, 2 + 8)
})

const transactional = { isIdempotent: true, isTransactional: true, maxInFlight: 5 }
const first = { producerId: 7n, epoch: 3, isTransactional: true }
const second = { producerId: 7n, epoch: 4, isTransactional: true }

test('in a transaction what fails is told at once, and nothing is numbered anew', () => {
  const queue = queueOf(3, transactional)
  const batch = queue.take(0, first)!
  queue.settle(batch, delivered, 0)
  const [next, last] = [queue.take(0, first)!, queue.take(0, first)!]
  queue.settle(next, { kind: 'out-of-order', error: new Error('a gap') }, 0)
  assert(next.isSettled, 'failed')
  queue.abandon(new Error('aborted'))
  queue.settle(last, { kind: 'retry', error: new Error('no answer'), pauseMs: 0 }, 0)
  assert(last.isSettled, 'what is under way is not sent again')
  assert(queue.isEmpty)
})

test('sequence numbers go on in a transaction of the same epoch, and begin at 0 in one of another', () => {
  const queue = queueOf(1, transactional)
  queue.settle(queue.take(0, first)!, delivered, 0)
  queue.readmit()
  add(queue, 2)
  const [same] = takeWith(queue, first)
  assert.equal(numbered([same!])[0], '3:2')
  add(queue, 2)
  assert.equal(queue.take(0, second), undefined, 'not while the last one is under way')
  queue.settle(same!, delivered, 0)
  add(queue, 2)
  assert.deepEqual(
    numbered(takeWith(queue, second)),
    ['4:0', '4:2'],
    'the leader knows the producer: no need to wait for the first',
  )
})

test('what is abandoned takes its waiting batches with it, the open one too, and the next transaction begins empty', () => {
  const queue = queueOf(2, transactional)
  const inFlight = queue.take(0, first)!
  queue.abandon(new Error('aborted'))
  assert.equal(queue.hasReady, false)
  assert(!inFlight.isSettled, 'it may be delivered yet')
  queue.settle(inFlight, delivered, 0)
  queue.readmit()
  add(queue, 1)
  assert.deepEqual(numbered(takeWith(queue, second)), ['4:0'])
})

function takeWith(queue: PartitionQueue, as: typeof first): ProducerBatch[] {
  const taken: ProducerBatch[] = []
  for (let batch = queue.take(0, as); batch; batch = queue.take(0, as)) taken.push(batch)
  return taken
}
