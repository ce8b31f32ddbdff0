/** A tiny history for each anomaly, and beside it its clean twin. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnomalyName, anomalies, anomalyText } from './anomaly.ts'
import { checkHistory, countByName, type HistoryRules } from './check-history.ts'
import type { HistoryEvent, SendEvent } from './history-event.ts'

const p = 'orders-0'

const send = (value: string, more: Partial<SendEvent> = {}): HistoryEvent => ({
  ...{ kind: 'send', process: 'producer', value },
  ...more,
})
const sent = (value: string, offset: number): HistoryEvent => ({ kind: 'sent', value, partition: p, offset })
const both = (value: string, offset: number, more?: Partial<SendEvent>) => [send(value, more), sent(value, offset)]
/** `3=c`: record c at offset 3. */
const poll = (records: string, process = 'reader', transaction?: string): HistoryEvent => ({
  ...{ kind: 'poll', process },
  records: records.split(' ').map(record => {
    const [offset, value] = record.split('=')
    return { partition: p, offset: Number(offset), value: value! }
  }),
  ...(transaction !== undefined && { transaction }),
})
const assign = (process = 'reader', group?: string): HistoryEvent => ({
  ...{ kind: 'assign', process, partitions: [p] },
  ...(group !== undefined && { group }),
})
const end = (logStart: number, highWatermark: number, at = 0): HistoryEvent => ({
  ...{ kind: 'end', process: 'auditor', partition: p, logStart, highWatermark, at },
})
const commit = (offset: number): HistoryEvent => ({ kind: 'commit', group: 'g', partition: p, offset })
const committed = (offset: number): HistoryEvent => ({ kind: 'committed', group: 'g', partition: p, offset })
const ask = (id = 'f'): HistoryEvent => ({ kind: 'fetch-committed', id })
const told = (offset: number, id = 'f'): HistoryEvent => ({
  ...{ kind: 'fetched-committed', id, group: 'g', partition: p, offset },
})
const ends = (transaction: string, outcome: 'committed' | 'aborted' | 'unknown'): HistoryEvent => ({
  ...{ kind: 'end-transaction', transaction, outcome },
})
const abc = [...both('a', 0), ...both('b', 1), ...both('c', 2)]
const unpromised = { key: 'k', tombstone: true, durable: false } as const
const compacted: HistoryRules = { isCompacted: () => true, deleteRetentionMs: 100 }

interface Case {
  name: string
  history: HistoryEvent[]
  finds: AnomalyName[]
  rules?: HistoryRules
}

const wrong: Case[] = [
  {
    name: 'two acknowledged records got one offset',
    history: [...both('a', 0), ...both('b', 0, { process: 'other' }), poll('0=b')],
    finds: ['inconsistent-offsets', 'lost-write'],
  },
  {
    name: 'a reader saw another record than the producer was told',
    history: [...both('a', 0), send('b'), poll('0=b')],
    finds: ['inconsistent-offsets', 'lost-write'],
  },
  {
    name: 'a record that was read gives its place to another',
    history: [send('a', { durable: false }), send('b'), poll('0=a'), assign(), poll('0=b')],
    finds: ['inconsistent-offsets', 'visible-then-gone'],
  },
  {
    name: 'a record is read whose send was refused',
    history: [send('a'), { kind: 'send-failed', value: 'a' }, poll('0=a')],
    finds: ['G1a'],
  },
  {
    name: 'a record is read whose transaction was aborted',
    history: [...both('a', 0, { transaction: 't' }), ends('t', 'aborted'), poll('0=a')],
    finds: ['G1a'],
  },
  {
    name: 'an acknowledged record is passed over by everybody',
    history: [...abc, poll('0=a', 'one'), poll('2=c', 'two')],
    finds: ['lost-write'],
  },
  {
    name: 'an acknowledged record at the end is missing when the whole log was read',
    history: [...abc, poll('0=a 1=b', 'auditor'), end(0, 2)],
    finds: ['lost-write'],
  },
  {
    name: 'a log starts later than anybody asked for',
    history: [...abc, poll('1=b 2=c', 'auditor'), end(1, 3)],
    finds: ['lost-write'],
  },
  {
    name: 'a record that was to be written once is there twice',
    history: [send('a'), poll('0=a 1=a')],
    finds: ['duplicate'],
  },
  { name: 'an acknowledged record that nobody got to', history: [...abc, poll('0=a 1=b')], finds: ['unseen'] },
  {
    name: 'a reader passes over a record between two polls',
    history: [...abc, poll('0=a 1=b', 'other'), poll('0=a'), poll('2=c')],
    finds: ['poll-skip', 'visible-then-gone'],
  },
  { name: 'a reader goes back', history: [...abc, poll('0=a 1=b 2=c'), poll('1=b')], finds: ['nonmonotonic-poll'] },
  {
    name: 'a later send got a smaller offset',
    history: [...both('a', 1), ...both('b', 0), poll('0=b 1=a')],
    finds: ['nonmonotonic-send'],
  },
  {
    name: 'one poll passes over a record',
    history: [...abc, poll('0=a 2=c'), poll('1=b', 'other')],
    finds: ['int-poll-skip'],
  },
  {
    name: 'one poll goes back',
    history: [...abc, poll('0=a 2=c 1=b', 'one'), poll('0=a 1=b 2=c', 'two')],
    finds: ['int-poll-skip', 'int-nonmonotonic-poll'],
  },
  {
    name: 'offsets go back within a transaction',
    history: [...both('a', 1, { transaction: 't' }), ...both('b', 0, { transaction: 't' }), poll('0=b 1=a')],
    finds: ['int-nonmonotonic-send'],
  },
  { name: 'a record is read that nobody sent', history: [poll('0=x')], finds: ['phantom'] },
  {
    name: 'the log ends before a record that was read',
    history: [send('a'), send('b'), poll('0=a 1=b'), poll('0=a', 'auditor'), end(0, 1)],
    finds: ['visible-then-gone'],
  },
  {
    name: 'deleted records come back',
    history: [
      ...[{ kind: 'trim', partition: p, before: 2 } as const, { kind: 'trimmed', partition: p, before: 2 } as const],
      { kind: 'log-start', partition: p, offset: 0 },
    ],
    finds: ['deleted-then-back'],
  },
  {
    name: 'a log start that was seen goes back in the end',
    history: [{ kind: 'log-start', partition: p, offset: 3 }, end(2, 3)],
    finds: ['deleted-then-back'],
  },
  {
    name: 'a group is told less than it had committed',
    history: [commit(1), committed(1), commit(2), committed(2), ask(), told(1)],
    finds: ['commit-regression'],
  },
  {
    name: 'a group is told that it has committed nothing, and it has',
    history: [commit(1), committed(1), ask(), told(-1)],
    finds: ['commit-regression'],
  },
  { name: 'a group is told what nobody committed', history: [commit(1), ask(), told(2)], finds: ['commit-unfounded'] },
  {
    name: 'a group has committed past a record that no member has read',
    history: [...abc, assign('one', 'g'), poll('0=a', 'one'), poll('1=b', 'stranger'), commit(2), ask(), told(2)],
    finds: ['unseen', 'unprocessed'],
  },
  {
    name: 'two transactions have read each other',
    history: [
      ...both('a', 0, { transaction: 'A' }),
      ...both('b', 1, { transaction: 'B' }),
      ...[poll('1=b', 'one', 'A'), poll('0=a', 'two', 'B')],
    ],
    finds: ['G1c'],
  },
  {
    name: 'the last value of a key is compacted away',
    history: [...both('a', 0, { key: 'k' }), ...both('b', 1, { key: 'l' }), poll('1=b', 'auditor'), end(0, 2)],
    finds: ['last-value-gone'],
    rules: compacted,
  },
  {
    name: 'an older value stands for the last of its key',
    history: [...both('a', 0, { key: 'k' }), ...both('b', 1, { key: 'k' }), poll('0=a', 'auditor'), end(0, 2)],
    finds: ['old-value-back'],
    rules: compacted,
  },
  {
    name: 'a value comes back behind the tombstone of its key',
    history: [
      ...both('a', 0, { key: 'k' }),
      ...[...both('b', 1, { key: 'k', tombstone: true, at: 0 }), poll('0=a', 'auditor'), end(0, 2, 900)],
    ],
    finds: ['old-value-back'],
    rules: compacted,
  },
  {
    name: 'what is handed out does not match its checksum',
    history: [{ kind: 'rot-served', partition: p, offset: 1 }],
    finds: ['rot-served'],
  },
  {
    name: 'a record is refused to which nothing has happened',
    history: [{ kind: 'refused', partition: p, offset: 2 }],
    finds: ['refused-unharmed'],
  },
  {
    name: 'a tombstone is gone before its time',
    history: [...both('b', 1, { key: 'k', tombstone: true, at: 50 }), end(0, 2, 149)],
    finds: ['tombstone-early'],
    rules: compacted,
  },
  {
    name: 'the last value of a key is gone, and the tombstone that nobody saw came before it',
    history: [...both('d', 0, { ...unpromised, at: 0 }), ...both('a', 1, { key: 'k' }), end(0, 2, 900)],
    finds: ['last-value-gone'],
    rules: compacted,
  },
  {
    name: 'the last value of a key is gone, and the tombstone that nobody saw would still be there',
    history: [...both('a', 0, { key: 'k' }), ...both('d', 1, { ...unpromised, at: 50 }), end(0, 2, 149)],
    finds: ['last-value-gone'],
    rules: compacted,
  },
  {
    name: 'the last value of a key is gone, and only other keys and partitions have tombstones that nobody saw',
    history: [
      ...[...both('a', 0, { key: 'k' }), send('d', { ...unpromised, key: 'l' })],
      ...[send('e', { ...unpromised, partition: 'orders-1' }), end(0, 1, 900)],
    ],
    finds: ['last-value-gone'],
    rules: compacted,
  },
]

const right: Case[] = [
  { name: 'records are read as they were sent', history: [...abc, poll('0=a 1=b'), poll('2=c')], finds: [] },
  { name: 'the whole log is read', history: [...abc, poll('0=a 1=b 2=c', 'auditor'), end(0, 3)], finds: [] },
  {
    name: 'a record whose send had no answer is read, or not',
    history: [send('a'), send('b'), { kind: 'send-unknown', value: 'a' }, poll('0=a')],
    finds: [],
  },
  {
    name: 'a record of a transaction that was committed, or of which nothing is known, is read',
    history: [
      ...both('a', 0, { transaction: 's' }),
      ...both('b', 1, { transaction: 't' }),
      ...[ends('s', 'committed'), ends('t', 'unknown'), poll('0=a 1=b')],
    ],
    finds: [],
  },
  {
    name: 'a record of an aborted transaction is not read',
    history: [...both('a', 0, { transaction: 't' }), ends('t', 'aborted'), ...both('b', 2), poll('2=b')],
    finds: [],
  },
  {
    name: 'what acks=1 acknowledged is lost, and its offset given to another',
    history: [...both('a', 0, { durable: false }), ...both('b', 0), poll('0=b', 'auditor'), end(0, 1)],
    finds: [],
  },
  {
    name: 'a producer that is not idempotent writes twice',
    history: [send('a', { once: false }), poll('0=a 1=a')],
    finds: [],
  },
  {
    name: 'a reader is assigned anew, or told to go back',
    history: [
      ...abc,
      poll('0=a 1=b 2=c'),
      assign(),
      poll('0=a'),
      { kind: 'seek', process: 'reader', partition: p },
      poll('0=a'),
    ],
    finds: [],
  },
  {
    name: 'sends of two processes, and of one that promises no order, stand in any order',
    history: [
      ...[...both('a', 1), ...both('b', 0, { process: 'other' })],
      ...[...both('c', 3, { process: 'loose', ordered: false }), ...both('d', 2, { process: 'loose', ordered: false })],
      poll('0=b 1=a 2=d 3=c'),
    ],
    finds: [],
  },
  {
    name: 'a hole where nothing was ever seen is no record passed over',
    history: [...both('a', 0), ...both('c', 2), poll('0=a 2=c')],
    finds: [],
  },
  {
    name: 'deleted records are passed over, and stay away',
    history: [
      ...[
        ...abc,
        { kind: 'trim', partition: p, before: 2 } as const,
        { kind: 'log-start', partition: p, offset: 0 } as const,
      ],
      { kind: 'trimmed', partition: p, before: 2 },
      ...[{ kind: 'log-start', partition: p, offset: 0, since: 6 } as const, poll('2=c', 'auditor'), end(2, 3)],
    ],
    finds: [],
  },
  {
    name: 'commits rise, and answers lie between what was committed before they were asked for and what was by then',
    history: [
      ...[commit(1), committed(1), ask('f'), commit(2), ask('g'), committed(2), told(1, 'f'), told(2, 'g')],
      ...[commit(3), ask('h'), told(3, 'h')],
    ],
    finds: [],
  },
  {
    name: 'the members of a group have read what it has committed, together',
    history: [
      ...[...abc, assign('one', 'g'), poll('0=a', 'one'), assign('two', 'g'), poll('1=b 2=c', 'two')],
      ...[commit(3), ask(), told(3)],
    ],
    finds: [],
  },
  {
    name: 'transactions write between each other, which is worth a note only',
    history: [
      ...[...both('a', 0, { transaction: 'A' }), ...both('b', 1, { transaction: 'B', process: 'other' })],
      ...[...both('c', 2, { transaction: 'A' }), poll('0=a 1=b 2=c')],
    ],
    finds: ['G0', 'int-send-skip'],
  },
  {
    name: 'a transaction has read another',
    history: [...both('a', 0, { transaction: 'A' }), poll('0=a', 'two', 'B'), ends('A', 'committed')],
    finds: [],
  },
  {
    name: 'older values of a key are gone, and a tombstone after its time',
    history: [
      ...[...both('a', 0, { key: 'k' }), ...both('b', 1, { key: 'k' }), ...both('c', 2, { key: 'l' })],
      ...[...both('d', 3, { key: 'l', tombstone: true, at: 0 }), poll('1=b', 'auditor'), end(0, 4, 100)],
    ],
    finds: [],
    rules: compacted,
  },
  {
    name: 'a tombstone that was promised nothing deletes its key, and goes in its time',
    history: [...both('a', 0, { key: 'k' }), ...both('d', 1, { ...unpromised, at: 0 }), end(0, 2, 100)],
    finds: [],
    rules: compacted,
  },
  {
    name: 'a tombstone whose send had no answer deletes its key, and goes in its time',
    history: [
      ...[send('d', { key: 'k', tombstone: true, at: 0 }), ...both('a', 0, { key: 'k' })],
      ...[{ kind: 'send-unknown', value: 'd' } as const, end(0, 2, 100)],
    ],
    finds: [],
    rules: compacted,
  },
]

for (const { name, history, finds, rules } of wrong) {
  test(`wrong: ${name}`, () => {
    const { failures } = checkHistory(history, rules)
    assert.deepEqual([...countByName(failures).keys()].sort(), [...finds].sort(), failures.map(anomalyText).join('\n'))
    for (const { events } of failures) assert(events.length > 0, 'each says which events show it')
  })
}

for (const { name, history, finds, rules } of right) {
  test(`right: ${name}`, () => {
    const { failures, notes } = checkHistory(history, rules)
    assert.deepEqual(failures.map(anomalyText), [])
    assert.deepEqual([...countByName(notes).keys()].sort(), [...finds].sort())
  })
}

/** In exactly-once-checks.test.ts, ownership-checks.test.ts and queue-checks.test.ts. */
const elsewhere = [
  ...(['effect-twice', 'effect-missing', 'torn-transaction', 'owned-twice'] as const),
  ...(['delivered-after-done', 'not-delivered'] as const),
]

test('there is a history for every anomaly', () => {
  const shown = new Set<AnomalyName>([...[...wrong, ...right].flatMap(({ finds }) => finds), ...elsewhere])
  assert.deepEqual(
    Object.keys(anomalies).filter(name => !shown.has(name as AnomalyName)),
    [],
  )
})

test('a history of a hundred thousand records is checked', () => {
  const count = 100_000
  const history: HistoryEvent[] = []
  for (let i = 0; i < count; i++) history.push(...both(`v${i}`, i))
  for (let i = 0; i < count; i += 100) {
    const records = Array.from({ length: 100 }, (_, j) => ({ partition: p, offset: i + j, value: `v${i + j}` }))
    history.push({ kind: 'poll', process: 'auditor', records })
  }
  assert.deepEqual(checkHistory([...history, end(0, count)]).failures, [])
})
