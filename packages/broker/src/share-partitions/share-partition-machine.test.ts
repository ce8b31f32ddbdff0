import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import { acknowledgements, type Outcome } from './acknowledgement.ts'
import { type RecordState, RecordStates } from './record-run.ts'
import { type RecordRules, SharePartitionMachine } from './share-partition-machine.ts'

const rules: RecordRules = { lockMs: 100, deliveryCountLimit: 3, maxRecordLocks: 1000, hasDeadLetters: false }
const { Available, Acquired, Acknowledged, Archiving, Archived } = RecordStates

/** A record at offset 1 in a state of its own; before it one that ada keeps, so that nothing is forgotten. */
function inState(state: RecordState, own: RecordRules): SharePartitionMachine {
  const machine = new SharePartitionMachine(0)
  const from = machine.nextOffset(own)
  const spans = [{ first: 0, last: 1, isDeliverable: true }]
  machine.acquire({ member: 'ada', spans, from, maxRecords: 2, batchSize: 2, isStrict: false, rules: own, now: 0 })
  const how: Partial<Record<RecordState, Outcome>> = {
    [Available]: 'release',
    [Acknowledged]: 'accept',
    [Archiving]: 'reject',
    [Archived]: 'reject',
  }
  const outcome = how[state]
  if (outcome) assert.equal(say(machine, outcome, own), 0)
  return machine
}

function say(machine: SharePartitionMachine, outcome: Outcome, own: RecordRules, member = 'ada'): number {
  const error = machine.acknowledge(member, [{ first: 1, last: 1, outcome }], { rules: own, now: 10, ticket: 7 })
  return error
}

const stateOf = (machine: SharePartitionMachine) =>
  machine.runs.find(({ first, last }) => first <= 1 && 1 <= last)?.state ?? 'gone'

type Cell = RecordState | 'gone' | 'refused'
type Doing = (machine: SharePartitionMachine, own: RecordRules) => unknown

const events: Record<string, Doing> = {
  accept: (machine, own) => say(machine, 'accept', own),
  release: (machine, own) => say(machine, 'release', own),
  reject: (machine, own) => say(machine, 'reject', own),
  gap: (machine, own) => say(machine, 'gap', own),
  renew: (machine, own) => say(machine, 'renew', own),
  'accepted by bob': (machine, own) => say(machine, 'accept', own, 'bob'),
  'lock over': (machine, own) => void machine.expire(100, own),
  'ada leaves': (machine, own) => void machine.releaseAll('ada', own),
  'write ends': machine => machine.settle(7, true),
  'write fails': machine => machine.settle(7, false),
  'log begins later': machine => void machine.moveStart(2),
}

const no = 'refused'
/** Columns: Available, Acquired, Acknowledged and Archived (both being written). */
const table: Record<keyof typeof events, readonly [Cell, Cell, Cell, Cell]> = {
  accept: [no, Acknowledged, no, no],
  release: [no, Available, no, no],
  reject: [no, Archived, no, no],
  gap: [no, Archived, no, no],
  renew: [no, Acquired, no, no],
  'accepted by bob': [no, no, no, no],
  'lock over': [Available, Available, Acknowledged, Archived],
  'ada leaves': [Available, Available, Acknowledged, Archived],
  'write ends': [Available, Acquired, Archived, Archived],
  'write fails': [Available, Acquired, Acquired, Acquired],
  'log begins later': ['gone', 'gone', 'gone', 'gone'],
}

test('every event leads every state where the table says', () => {
  for (const [name, row] of Object.entries(table)) {
    for (const [i, from] of [Available, Acquired, Acknowledged, Archived].entries()) {
      const machine = inState(from, rules)
      const before = JSON.stringify(machine.runs)
      const error = events[name]!(machine, rules)
      const label = `${name} in state ${from}`
      if (row[i] === no) {
        assert.equal(error, ErrorCodes.INVALID_RECORD_STATE, label)
        assert.equal(JSON.stringify(machine.runs), before, `${label} changes nothing`)
      } else assert.equal(stateOf(machine), row[i], label)
    }
  }
})

test('with dead letters, a record that fails waits for its letter before it is done', () => {
  const own = { ...rules, hasDeadLetters: true, deliveryCountLimit: 1 }
  const rejected = inState(Archiving, own)
  assert.deepEqual(rejected.archiving(), [], 'not before it is known that it was rejected')
  rejected.settle(7, true)
  assert.deepEqual(
    rejected.archiving().map(({ first, last }) => [first, last]),
    [[1, 1]],
  )
  rejected.archived({ first: 1, last: 1 })
  assert.deepEqual(rejected.archiving(), [])
  const wornOut = inState(Acquired, own)
  wornOut.expire(100, own)
  assert.deepEqual(
    wornOut.archiving().map(({ first, last, deliveries }) => [first, last, deliveries]),
    [[0, 1, 1]],
  )
})

test('a write that fails after its member has left frees the records', () => {
  const machine = inState(Acknowledged, rules)
  machine.releaseAll('ada', rules)
  machine.settle(7, false)
  machine.expire(0, rules)
  assert.equal(stateOf(machine), Available)
})

test('records that were given out often come in halves, and for the last time alone', () => {
  const own = { ...rules, deliveryCountLimit: 5 }
  const machine = new SharePartitionMachine(0)
  const spans = [{ first: 0, last: 15, isDeliverable: true }]
  const counts: number[] = []
  for (let round = 0; round < 6; round++) {
    const from = machine.nextOffset(own)
    const acquired = machine.acquire({
      member: 'ada',
      spans,
      from,
      maxRecords: 100,
      batchSize: 100,
      isStrict: false,
      rules: own,
      now: 0,
    })
    counts.push(acquired.reduce((sum, { first, last }) => sum + last - first + 1, 0))
    machine.releaseAll('ada', own)
  }
  assert.deepEqual(counts, [16, 16, 16, 8, 1, 1])
})

test('a batch of the log is given whole, unless the limit is strict; ranges end with a batch', () => {
  const spans = [0, 10, 20].map(first => ({ first, last: first + 9, isDeliverable: true }))
  const acquire = (isStrict: boolean, maxRecords: number, batchSize: number) =>
    new SharePartitionMachine(0)
      .acquire({ member: 'ada', spans, from: 0, maxRecords, batchSize, isStrict, rules, now: 0 })
      .map(({ first, last }) => [first, last])
  assert.deepEqual(acquire(false, 15, 100), [[0, 19]])
  assert.deepEqual(acquire(true, 15, 100), [[0, 14]])
  assert.deepEqual(acquire(false, 30, 10), [
    [0, 9],
    [10, 19],
    [20, 29],
  ])
})

test('acknowledgements are joined where they say the same, put in order, and refused where they make no sense', () => {
  const of = (batches: [number, number, ...number[]][], isRenewAck = false) =>
    acknowledgements(
      batches.map(([firstOffset, lastOffset, ...acknowledgeTypes]) => ({ firstOffset, lastOffset, acknowledgeTypes })),
      { isRenewAck },
    )
  assert.deepEqual(
    of([
      [0, 0, 1],
      [1, 1, 1],
      [2, 3, 2, 1],
    ]),
    [
      { first: 0, last: 1, outcome: 'accept' },
      { first: 2, last: 2, outcome: 'release' },
      { first: 3, last: 3, outcome: 'accept' },
    ],
  )
  assert.deepEqual(
    of([
      [5, 5, 1],
      [0, 0, 3],
    ]),
    [
      { first: 0, last: 0, outcome: 'reject' },
      { first: 5, last: 5, outcome: 'accept' },
    ],
  )
  for (const wrong of [[[3, 1, 1]], [[0, 0]], [[0, 2, 1, 1]], [[0, 0, 9]], [[0, 0, -1]], [[0, 0, 4]], [[-2, 0, 1]]])
    assert.equal(typeof of(wrong as [number, number, ...number[]][]), 'string')
  assert.deepEqual(of([[0, 0, 4]], true), [{ first: 0, last: 0, outcome: 'renew' }])
})

test('what is said twice of one record is refused as a whole', () => {
  const machine = inState(Acquired, rules)
  const ranges = [
    { first: 0, last: 1, outcome: 'accept' as const },
    { first: 1, last: 1, outcome: 'release' as const },
  ]
  assert.equal(machine.acknowledge('ada', ranges, { rules, now: 0, ticket: 1 }), ErrorCodes.INVALID_RECORD_STATE)
  assert.equal(stateOf(machine), Acquired)
})

test('what a snapshot leaves out was never given out', () => {
  const batches = [
    { firstOffset: 3, lastOffset: 4, deliveryState: Available, deliveryCount: 2 },
    { firstOffset: 8, lastOffset: 9, deliveryState: Acknowledged, deliveryCount: 1 },
  ]
  const machine = SharePartitionMachine.restored({ startOffset: 2, deliveryCompleteCount: 2, batches })
  assert.deepEqual(
    machine.runs.map(({ first, last, state, deliveries }) => [first, last, state, deliveries]),
    [
      [2, 2, Available, 0],
      [3, 4, Available, 2],
      [5, 7, Available, 0],
      [8, 9, Archived, 0],
    ],
  )
})
