import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { acknowledgements } from './acknowledgement.ts'
import type { LogSpan } from './acquisition.ts'
import { type RecordRules, SharePartitionMachine } from './share-partition-machine.ts'
import type { ShareSnapshot } from './share-snapshot.ts'

/**
 * Random histories against a model that has an entry per record. What must hold after every step: a record that was durably acknowledged
 * is never given out again; nobody has a record that somebody else has; no record is given out more often than the limit; the start
 * offset does not go back and passes only what is done; and in the end every record was acknowledged, rejected or given out too often.
 */
const rulesWith = (hasDeadLetters: boolean): RecordRules => {
  return { lockMs: 100, deliveryCountLimit: 3, maxRecordLocks: 30, hasDeadLetters }
}
const logEnd = 60
const members = ['ada', 'bob', 'cy']

type Step =
  | { do: 'acquire'; member: number; max: number; batchSize: number; isStrict: boolean }
  | { do: 'acknowledge'; member: number; types: number[] }
  | { do: 'write'; isLost: boolean }
  | { do: 'pass'; ms: number }
  | { do: 'leave'; member: number }
  | { do: 'restart' }
  | { do: 'bury' }
  | { do: 'trim'; by: number }

const member = fc.nat(members.length - 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('acquire' as const),
      member,
      max: fc.integer({ min: 1, max: 12 }),
      batchSize: fc.integer({ min: 1, max: 6 }),
      isStrict: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('acknowledge' as const),
      member,
      types: fc.array(fc.constantFrom(0, 1, 1, 1, 2, 3), { minLength: 1, maxLength: 8 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), isLost: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(70) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), member }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('bury' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('trim' as const), by: fc.nat(4) }) },
)

/** Batches of five records; the third offset of ten is a hole, every fourth batch a marker. */
function spansFrom(offset: number): LogSpan[] {
  const spans: LogSpan[] = []
  for (let first = 0; first < logEnd; first += 5) {
    const isMarker = first % 20 === 15
    const last = first % 10 === 0 ? first + 3 : first + 4
    if (last >= offset) spans.push({ first, last, isDeliverable: !isMarker })
  }
  return spans
}
const exists = (offset: number) => spansFrom(0).some(s => s.isDeliverable && s.first <= offset && offset <= s.last)

class History {
  readonly rules: RecordRules
  now = 0
  machine = new SharePartitionMachine(0)
  stored: ShareSnapshot = { startOffset: 0, deliveryCompleteCount: 0, batches: [] }
  ticket = 1
  logStart = 0
  readonly owner = new Map<number, { member: string; until: number }>()
  /** Acknowledged, and being written. */
  readonly pending = new Map<number, { member: string; until: number; type: number }>()
  readonly finished = new Set<number>()
  readonly deliveries = new Map<number, number>()
  /** Durably rejected; and those with a dead letter. */
  readonly rejected = new Set<number>()
  readonly letters = new Set<number>()

  constructor(rules: RecordRules) {
    this.rules = rules
  }

  run(step: Step): void {
    const before = this.machine.start
    this.expire()
    const act = this[step.do] as unknown as (step: Step) => void
    act.call(this, step)
    assert.ok(this.machine.start >= before || step.do === 'restart', 'the start offset goes back')
    for (let offset = this.logStart; offset < this.machine.start; offset++)
      assert.ok(this.finished.has(offset) || !exists(offset), `the start passed record ${offset}, which is not done`)
    this.checkRuns()
  }

  acquire({ member, max, batchSize, isStrict }: Step & { do: 'acquire' }): void {
    const from = this.machine.nextOffset(this.rules)
    if (from < 0 || from >= logEnd) return
    const who = members[member]!
    const spans = spansFrom(from)
    const request = { member: who, spans, from, maxRecords: max, batchSize, isStrict, rules: this.rules, now: this.now }
    const acquired = this.machine.acquire(request)
    let count = 0
    for (const { first, last, deliveryCount } of acquired) {
      for (let offset = first; offset <= last; offset++, count++) {
        assert.ok(exists(offset), `${offset} is given out, but there is no such record`)
        assert.ok(!this.finished.has(offset), `${offset} is given out after it was done`)
        assert.ok(!this.pending.has(offset), `${offset} is given out while its end is being written`)
        assert.ok(!this.owner.has(offset), `${offset} is given out twice at once`)
        assert.ok(deliveryCount <= this.rules.deliveryCountLimit, `${offset} is given out ${deliveryCount} times`)
        this.owner.set(offset, { member: who, until: this.now + this.rules.lockMs })
        this.deliveries.set(offset, deliveryCount)
      }
    }
    if (isStrict) assert.ok(count <= max)
  }

  acknowledge({ member, types }: Step & { do: 'acknowledge' }): void {
    const who = members[member]!
    const mine = [...this.owner].filter(([, { member }]) => member === who).map(([offset]) => offset)
    const offsets = mine.sort((a, b) => a - b).slice(0, types.length)
    if (offsets.length === 0) return
    const given = offsets.map((offset, i) => ({
      firstOffset: offset,
      lastOffset: offset,
      acknowledgeTypes: [types[i]!],
    }))
    const ranges = acknowledgements(given, { isRenewAck: false })
    assert.ok(typeof ranges !== 'string')
    const { rules, now, ticket } = this
    const stranger = members.find(name => name !== who)!
    if (offsets.some(offset => offset >= this.machine.start))
      assert.notEqual(this.machine.acknowledge(stranger, ranges, { rules, now, ticket }), 0)
    assert.equal(this.machine.acknowledge(who, ranges, { rules, now, ticket }), 0)
    for (const [i, offset] of offsets.entries()) {
      const type = types[i]!
      const { until } = this.owner.get(offset)!
      if (type === 2) this.free(offset)
      else this.owner.delete(offset)
      if (type !== 2 && offset >= this.logStart) this.pending.set(offset, { member: who, until, type })
    }
  }

  /** Everything acknowledged so far becomes durable, or nothing of it. */
  write({ isLost }: Step & { do: 'write' }): void {
    if (!isLost) this.stored = this.machine.snapshot()
    this.machine.settle(this.ticket++, !isLost)
    for (const [offset, { member, until, type }] of this.pending) {
      if (isLost) this.owner.set(offset, { member, until })
      else this.finish(offset)
      if (!isLost && type === 3) this.rejected.add(offset)
    }
    this.pending.clear()
    this.expire()
  }

  bury(): void {
    for (const run of this.machine.archiving()) {
      assert.ok(this.rules.hasDeadLetters)
      for (let offset = run.first; offset <= run.last; offset++) this.letters.add(offset)
      this.machine.archived(run)
    }
  }

  pass({ ms }: Step & { do: 'pass' }): void {
    this.now += ms
    this.expire()
  }

  expire(): void {
    this.machine.expire(this.now, this.rules)
    for (const [offset, { until }] of this.owner) if (until <= this.now) this.free(offset)
  }

  leave({ member }: Step & { do: 'leave' }): void {
    this.machine.releaseAll(members[member]!, this.rules)
    for (const [offset, { member: who }] of this.owner) if (who === members[member]) this.free(offset)
    for (const each of this.pending.values()) if (each.member === members[member]) each.until = -Infinity
  }

  restart(): void {
    this.machine = SharePartitionMachine.restored(this.stored)
    this.machine.moveStart(this.logStart)
    this.owner.clear()
    this.pending.clear()
    // What was archived without a write (markers, records that failed too often) may come again, as often delivered as was stored.
    for (const offset of [...this.finished]) {
      const state = this.stateOf(offset)
      const isKnown = offset < this.machine.start || state === 4 || state === 3
      if (!isKnown) {
        assert.ok(
          this.deliveries.get(offset) === this.rules.deliveryCountLimit,
          `${offset} was acknowledged, and is forgotten`,
        )
        this.finished.delete(offset)
      }
    }
  }

  trim({ by }: Step & { do: 'trim' }): void {
    this.logStart = Math.min(logEnd, this.logStart + by)
    this.machine.moveStart(this.logStart)
    for (let offset = 0; offset < this.logStart; offset++) this.finish(offset)
  }

  free(offset: number): void {
    this.owner.delete(offset)
    if (this.deliveries.get(offset)! >= this.rules.deliveryCountLimit) this.finished.add(offset)
  }

  finish(offset: number): void {
    this.owner.delete(offset)
    this.pending.delete(offset)
    this.finished.add(offset)
  }

  stateOf(offset: number): number | undefined {
    return this.machine.runs.find(run => run.first <= offset && offset <= run.last)?.state
  }

  checkRuns(): void {
    let next = this.machine.start
    for (const run of this.machine.runs) {
      assert.equal(run.first, next, 'runs follow each other')
      assert.ok(run.last >= run.first)
      next = run.last + 1
    }
    assert.equal(next, this.machine.end)
    for (const [offset, { member }] of this.owner) {
      if (offset < this.machine.start) continue
      const run = this.machine.runs.find(run => run.first <= offset && offset <= run.last)
      assert.equal(run?.owner, member, `${offset} belongs to ${member}`)
    }
  }

  /** Somebody diligent takes what is left. */
  drain(): void {
    this.write({ do: 'write', isLost: false })
    this.bury()
    for (let rounds = 0; this.machine.start < logEnd - 1 && rounds < 500; rounds++) {
      this.pass({ do: 'pass', ms: this.rules.lockMs })
      this.acquire({ do: 'acquire', member: 0, max: 10, batchSize: 10, isStrict: false })
      this.bury()
      for (let i = 0; i < 3; i++) this.acknowledge({ do: 'acknowledge', member: 0, types: new Array(10).fill(1) })
      this.write({ do: 'write', isLost: false })
    }
    for (let offset = 0; offset < logEnd - 1; offset++)
      assert.ok(this.finished.has(offset) || !exists(offset), `record ${offset} was lost`)
    if (this.rules.hasDeadLetters)
      for (const offset of this.rejected)
        assert.ok(
          this.letters.has(offset) || offset < this.logStart,
          `record ${offset} was rejected, and has no letter`,
        )
    assert.ok(this.machine.start >= logEnd - 1, `the start offset is stuck at ${this.machine.start}`)
  }
}

test('whatever members, locks and restarts do, a record is with one member at a time, is done once, and is not lost', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.boolean(), (steps, hasDeadLetters) => {
      const history = new History(rulesWith(hasDeadLetters))
      for (const each of steps) history.run(each)
      history.drain()
    }),
    { numRuns: 400 },
  )
})
