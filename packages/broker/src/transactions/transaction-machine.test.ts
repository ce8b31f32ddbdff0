/** Every state, and what Kafka makes of each request in it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorByCode } from '@odradek/protocol'
import type { Decision } from './decision.ts'
import { completed, end, fenced } from './ending.ts'
import { initialise } from './initialising.ts'
import { join, membership } from './joining.ts'
import type { Transaction, TransactionState } from './transaction.ts'
import { noPartitions, withPartitions } from './transaction-partitions.ts'

const orders0 = { topic: 'orders', index: 0 }
const joined = withPartitions(noPartitions, [orders0])
const producer = { producerId: 7n, epoch: 3 }
const states: readonly TransactionState[] = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
]

function inState(state: TransactionState, more: Partial<Transaction> = {}): Transaction {
  const isOpen = state === 'Ongoing' || state.startsWith('Prepare')
  return {
    ...{ id: 'tx', state, producerId: 7n, epoch: 3, previousProducerId: -1n, nextProducerId: -1n, lastEpoch: -1 },
    ...{
      timeoutMs: 60_000,
      partitions: isOpen ? joined : noPartitions,
      startedAt: 100,
      updatedAt: 200,
      clientVersion: 0,
    },
    ...more,
  }
}

/** 'CompleteCommit 7/4', the state stored and what the client is told, or the error's name. */
function told(decision: Decision): string {
  switch (decision.kind) {
    case 'refuse':
      return errorByCode(decision.error).name
    case 'store':
      return `${decision.next.state} ${decision.producer.producerId}/${decision.producer.epoch}`
    case 'answer':
      return `unchanged ${decision.producer.producerId}/${decision.producer.epoch}`
    case 'abortFirst':
      return `abort first, as ${decision.next.state} ${decision.next.epoch}`
    default:
      return decision.kind
  }
}

const table = (ask: (state: TransactionState) => Decision) => states.map(state => told(ask(state)))

test('a commit or abort of a client whose epoch stays', () => {
  const ask = (outcome: 'commit' | 'abort') =>
    table(state => end(inState(state), { ...producer, outcome, clientVersion: 0 }, undefined, 300))
  const invalid = 'INVALID_TXN_STATE'
  assert.deepEqual(ask('commit'), [invalid, 'PrepareCommit 7/3', 'busy', invalid, 'unchanged 7/3', invalid])
  assert.deepEqual(ask('abort'), [invalid, 'PrepareAbort 7/3', invalid, 'busy', invalid, 'unchanged 7/3'])
})

test('a commit or abort of a client whose epoch rises', () => {
  const ask = (outcome: 'commit' | 'abort') =>
    table(state => end(inState(state), { ...producer, outcome, clientVersion: 2 }, undefined, 300))
  const invalid = 'INVALID_TXN_STATE'
  assert.deepEqual(ask('commit'), [invalid, 'PrepareCommit 7/4', 'busy', 'busy', invalid, invalid])
  const nothingOpen = 'PrepareAbort 7/4'
  assert.deepEqual(ask('abort'), [nothingOpen, nothingOpen, 'busy', 'busy', nothingOpen, nothingOpen])
})

test('an abort of nothing waits for the end before it, also where that gives the producer another id', () => {
  const ending = inState('PrepareCommit', { epoch: 32_767, nextProducerId: 8n })
  const abort = (producerId: bigint, epoch: number) =>
    told(end(ending, { producerId, epoch, outcome: 'abort', clientVersion: 2 }, undefined, 300))
  assert.equal(abort(8n, 0), 'busy')
  assert.equal(abort(8n, 1), 'INVALID_PRODUCER_ID_MAPPING')
  assert.equal(abort(7n, 32_765), 'PRODUCER_FENCED')
})

test('a repeated commit or abort of the epoch before is answered as the first was, and does not touch the next transaction', () => {
  const ask = (outcome: 'commit' | 'abort') =>
    table(state => end(inState(state), { producerId: 7n, epoch: 2, outcome, clientVersion: 2 }, undefined, 300))
  const [invalid, fencedOut] = ['INVALID_TXN_STATE', 'PRODUCER_FENCED']
  assert.deepEqual(ask('commit'), [fencedOut, fencedOut, 'busy', invalid, 'unchanged 7/3', invalid])
  assert.deepEqual(ask('abort'), [fencedOut, fencedOut, invalid, 'busy', invalid, 'unchanged 7/3'])
})

test('a producer that initialises anew gets a higher epoch, after what is open has been aborted', () => {
  const request = { id: 'tx', timeoutMs: 1000, expected: undefined }
  const first = 'abort first, as PrepareAbort 4'
  const told = table(state => initialise(inState(state), request, undefined, 300))
  assert.deepEqual(told, ['Empty 7/4', first, 'busy', 'busy', 'Empty 7/4', 'Empty 7/4'])
})

test('an id that is not known needs a producer id, and begins with epoch 0', () => {
  const request = { id: 'tx', timeoutMs: 1000, expected: undefined }
  assert.equal(told(initialise(undefined, request, undefined, 300)), 'needsId')
  assert.equal(told(initialise(undefined, request, 9n, 300)), 'Empty 9/0')
})

test('a producer that says who it was goes on, unless another has come meanwhile', () => {
  const known = inState('CompleteAbort', { epoch: 5, lastEpoch: 4 })
  const ask = (producerId: bigint, epoch: number) =>
    told(initialise(known, { id: 'tx', timeoutMs: 1000, expected: { producerId, epoch } }, undefined, 300))
  assert.equal(ask(7n, 5), 'Empty 7/6')
  assert.equal(ask(7n, 4), 'Empty 7/5', 'it did not hear the answer')
  assert.equal(ask(7n, 3), 'PRODUCER_FENCED')
  assert.equal(ask(6n, 5), 'PRODUCER_FENCED')
})

test('when its epochs are used up, a producer gets another id, and is known by both', () => {
  const known = inState('CompleteCommit', { epoch: 32_766 })
  const request = { id: 'tx', timeoutMs: 1000, expected: { producerId: 7n, epoch: 32_766 } }
  assert.equal(told(initialise(known, request, undefined, 300)), 'needsId')
  const fresh = initialise(known, request, 8n, 300)
  assert.equal(told(fresh), 'Empty 8/0')
  assert.ok(fresh.kind === 'store' && fresh.next.previousProducerId === 7n)
  assert.equal(told(initialise(fresh.next, request, 9n, 400)), 'Empty 8/0', 'it did not hear the answer')
})

test('a transaction of the last epoch ends under the old id, and the producer goes on under another', () => {
  const last = inState('Ongoing', { epoch: 32_766, clientVersion: 2 })
  const request = { producerId: 7n, epoch: 32_766, outcome: 'commit', clientVersion: 2 } as const
  assert.equal(told(end(last, request, undefined, 300)), 'needsId')
  const decision = end(last, request, 8n, 300)
  assert.equal(told(decision), 'PrepareCommit 8/0')
  assert.ok(decision.kind === 'store')
  assert.deepEqual([decision.next.producerId, decision.next.epoch], [7n, 32_767], 'the markers are of the old id')
  assert.equal(told(end(decision.next, request, 9n, 300)), 'busy')
  const done = completed(decision.next, 400)
  assert.deepEqual([done.producerId, done.epoch, done.previousProducerId], [8n, 0, 7n])
  assert.equal(told(end(done, request, 9n, 300)), 'unchanged 8/0')
})

test('partitions join a transaction, and begin one', () => {
  const request = { ...producer, partitions: [orders0], clientVersion: 0 } as const
  const [begun, busy] = ['Ongoing 7/3', 'busy']
  assert.deepEqual(
    table(state => join(inState(state), request, 300)),
    [begun, 'unchanged 7/3', busy, busy, begun, begun],
  )
  assert.equal(told(join(undefined, request, 300)), 'INVALID_PRODUCER_ID_MAPPING')
  assert.equal(told(join(inState('Ongoing'), { ...request, epoch: 2 }, 300)), 'PRODUCER_FENCED')
  assert.equal(told(join(inState('Ongoing'), { ...request, producerId: 6n }, 300)), 'INVALID_PRODUCER_ID_MAPPING')
  const more = join(inState('Ongoing'), { ...request, partitions: [orders0, { topic: 'orders', index: 1 }] }, 300)
  assert.ok(more.kind === 'store')
  assert.equal(more.next.startedAt, 100, 'a transaction is as old as its first partition')
})

test('only a partition of the open transaction may be written to', () => {
  const verdicts = states.map(state => membership(inState(state), producer, orders0))
  const abortable = 120
  assert.deepEqual(verdicts, [abortable, 0, 'ending', 'ending', abortable, abortable])
  assert.equal(membership(inState('Ongoing'), producer, { topic: 'orders', index: 1 }), abortable)
})

test('a transaction that is aborted without its producer fences it', () => {
  const aborted = completed(fenced(inState('Ongoing'), { byAnother: false, freshId: undefined, now: 300 })!, 400)
  assert.equal(aborted.state, 'CompleteAbort')
  for (const clientVersion of [0, 2] as const) {
    const commit = end(aborted, { ...producer, outcome: 'commit', clientVersion }, undefined, 500)
    assert.equal(told(commit), clientVersion === 0 ? 'PRODUCER_FENCED' : 'INVALID_TXN_STATE')
  }
  assert.equal(told(join(aborted, { ...producer, partitions: [orders0], clientVersion: 2 }, 500)), 'PRODUCER_FENCED')
})

/** What a producer is told that says who it was, after its open transaction was aborted without it. */
function goesOn(open: Transaction, byAnother: boolean, freshId?: bigint): string {
  const aborted = completed(fenced(open, { byAnother, freshId, now: 300 })!, 400)
  const { producerId, epoch } = open
  return told(initialise(aborted, { id: 'tx', timeoutMs: 1000, expected: { producerId, epoch } }, 9n, 500))
}

test('a producer whose transaction was too slow goes on when it says who it was; one whose place was taken does not', () => {
  assert.equal(goesOn(inState('Ongoing'), false), 'Empty 7/4')
  assert.equal(goesOn(inState('Ongoing'), true), 'PRODUCER_FENCED')
  const [itself, another] = [{ producerId: 7n, epoch: 3 }, undefined].map(expected =>
    initialise(inState('Ongoing'), { id: 'tx', timeoutMs: 1000, expected }, undefined, 300),
  )
  assert.ok(itself?.kind === 'abortFirst' && another?.kind === 'abortFirst')
  assert.deepEqual([itself.next.lastEpoch, another.next.lastEpoch], [3, -1])
})

test('a transaction of the last epoch that is aborted without its producer gives it another id', () => {
  const last = inState('Ongoing', { epoch: 32_766, clientVersion: 2 })
  assert.equal(fenced(last, { byAnother: false, freshId: undefined, now: 300 }), undefined)
  const takenOver = { id: 'tx', timeoutMs: 1000, expected: undefined }
  assert.equal(told(initialise(last, takenOver, undefined, 300)), 'needsId')
  const aborting = fenced(last, { byAnother: false, freshId: 8n, now: 300 })!
  assert.deepEqual([aborting.producerId, aborting.epoch], [7n, 32_767], 'the markers are of the old id')
  const aborted = completed(aborting, 400)
  assert.deepEqual([aborted.producerId, aborted.epoch, aborted.previousProducerId], [8n, 0, 7n])
  const late = { producerId: 7n, epoch: 32_766, outcome: 'abort', clientVersion: 2 } as const
  assert.equal(told(end(aborted, late, undefined, 500)), 'unchanged 8/0', 'no client is given the highest epoch')
  assert.equal(goesOn(last, false, 8n), 'Empty 8/0')
  assert.equal(goesOn(last, true, 8n), 'PRODUCER_FENCED')
})

test('an id that an older release left with the highest epoch, or past it, comes back with another producer id', () => {
  for (const epoch of [32_767, -32_768, -5]) {
    const request = { id: 'tx', timeoutMs: 1000, expected: undefined }
    const idle = inState('CompleteAbort', { epoch })
    assert.equal(told(initialise(idle, request, 8n, 300)), 'Empty 8/0')
    const open = inState('Ongoing', { epoch, clientVersion: 2 })
    const aborting = fenced(open, { byAnother: true, freshId: 8n, now: 300 })!
    assert.ok(aborting.epoch <= 32_767)
    assert.deepEqual([completed(aborting, 400).producerId, completed(aborting, 400).epoch], [8n, 0])
    const commit = end(open, { producerId: 7n, epoch, outcome: 'commit', clientVersion: 2 }, 8n, 300)
    assert.ok(commit.kind === 'store' && commit.next.epoch <= 32_767)
    assert.equal(told(commit), 'PrepareCommit 8/0')
  }
})
