/**
 * How far a share group has come with a partition: pure, told the time, and all that is decided about a record is decided here.
 *
 * - A record is with one member at a time, until it acknowledges, leaves, or its lock is over.
 * - It is given out at most `deliveryCountLimit` times.
 * - The start offset never goes back (but AlterShareGroupOffsets makes another machine), and moves over what is durably done alone.
 * - An acknowledgement that does not fit changes nothing.
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { Acknowledged } from './acknowledgement.ts'
import { type Acquired, Acquisition, type AcquisitionRequest } from './acquisition.ts'
import { available, done, isDone, type OffsetRange, type RecordRun, RecordStates } from './record-run.ts'
import { RunList } from './run-list.ts'
import type { ShareSnapshot, StateBatch } from './share-snapshot.ts'

const { Available, Acquired: AcquiredState, Acknowledged: AcknowledgedState, Archiving, Archived } = RecordStates

/** What a group's settings say about its records, at the moment of a step. */
export interface RecordRules {
  readonly lockMs: number
  readonly deliveryCountLimit: number
  /** How many records may be on the way at once. */
  readonly maxRecordLocks: number
  /** Records that fail are kept as dead letters. */
  readonly hasDeadLetters: boolean
}

export class SharePartitionMachine {
  readonly #list: RunList

  constructor(start: number) {
    this.#list = new RunList(start)
  }

  static restored({ startOffset, batches }: ShareSnapshot): SharePartitionMachine {
    const machine = new SharePartitionMachine(startOffset)
    const list = machine.#list
    for (const batch of batches) {
      const first = Math.max(batch.firstOffset, list.end)
      if (batch.lastOffset < first) continue
      if (first > list.end) list.append(available(list.end, first - 1, 0))
      list.append(restoredRun(batch, first))
    }
    machine.#advance()
    return machine
  }

  get start(): number {
    return this.#list.start
  }

  get end(): number {
    return this.#list.end
  }

  get runs(): readonly RecordRun[] {
    return this.#list.runs
  }

  /** Records on the way: neither done nor untouched. */
  get inFlight(): number {
    let count = 0
    for (const run of this.#list.runs) if (!isDone(run)) count += run.last - run.first + 1
    return count
  }

  /** Where to read for the next acquisition; -1 when there is nothing to acquire, whatever the log holds. */
  nextOffset({ maxRecordLocks }: RecordRules): number {
    let locks = 0
    for (const run of this.#list.runs) {
      if (run.state === Available) return run.first
      if (!isDone(run)) locks += run.last - run.first + 1
    }
    return locks < maxRecordLocks ? this.#list.end : -1
  }

  /** Gives records to a member, from what was read of the log. */
  acquire(request: AcquisitionRequest): Acquired[] {
    const room = request.rules.maxRecordLocks - this.inFlight
    const { acquired, changes, appended } = new Acquisition(this.#list, request, room)
    const lockedUntil = request.now + request.rules.lockMs
    this.#list.change(changes, (part, { isDone }) => {
      if (isDone) return done(part.first, part.last)
      return { ...part, state: AcquiredState, deliveries: part.deliveries + 1, owner: request.member, lockedUntil }
    })
    for (const run of appended) this.#list.append(run)
    this.#advance()
    return acquired
  }

  /**
   * What a member says became of its records. `ticket`: the write that will make it durable; `settle` tells how it went. NONE, or why
   * nothing was taken.
   */
  acknowledge(
    member: string,
    given: readonly Acknowledged[],
    o: { rules: RecordRules; now: number; ticket: number },
  ): ErrorCode {
    const ranges = given.flatMap(range => {
      if (range.last < this.start) return []
      return range.first < this.start ? [{ ...range, first: this.start }] : [range]
    })
    const refused = this.#refusal(member, ranges)
    if (refused !== ErrorCodes.NONE) return refused
    this.#list.change(ranges, (part, { outcome }) => {
      if (outcome === 'renew') return { ...part, lockedUntil: o.now + o.rules.lockMs }
      if (outcome === 'release') return released(part, o.rules)
      if (outcome === 'accept') return { ...part, state: AcknowledgedState, ticket: o.ticket }
      const isLetter = outcome === 'reject' && o.rules.hasDeadLetters
      return { ...part, state: isLetter ? Archiving : Archived, ticket: o.ticket }
    })
    return ErrorCodes.NONE
  }

  /** The write with this ticket, and all before it, went well or did not: then its records are with their members as before. */
  settle(ticket: number, isDurable: boolean): void {
    this.#list.changeAll(run => {
      if (run.ticket === 0 || run.ticket > ticket) return run
      if (!isDurable) return { ...run, state: AcquiredState, ticket: 0 }
      return run.state === Archiving ? { ...run, owner: null, lockedUntil: 0, ticket: 0 } : done(run.first, run.last)
    })
    this.#advance()
  }

  /** A member is gone, and its records are free. Whether there were any. */
  releaseAll(member: string, rules: RecordRules): boolean {
    let isChanged = false
    this.#list.changeAll(run => {
      if (run.owner !== member) return run
      isChanged = true
      // What is being written is decided when that ends; should it fail, the lock is over.
      return run.state === AcquiredState ? released(run, rules) : { ...run, lockedUntil: -Infinity }
    })
    this.#advance()
    return isChanged
  }

  /** Frees what was locked until now. Whether there was any. */
  expire(now: number, rules: RecordRules): boolean {
    let isChanged = false
    this.#list.changeAll(run => {
      if (run.state !== AcquiredState || run.lockedUntil > now) return run
      isChanged = true
      return released(run, rules)
    })
    this.#advance()
    return isChanged
  }

  /** When the first lock ends; Infinity when nothing is locked. */
  nextExpiry(): number {
    let earliest = Infinity
    for (const run of this.#list.runs) if (run.state === AcquiredState) earliest = Math.min(earliest, run.lockedUntil)
    return earliest
  }

  /** This process stood still for so long; the members are not to blame. */
  postpone(ms: number): void {
    this.#list.changeAll(run => (run.owner === null ? run : { ...run, lockedUntil: run.lockedUntil + ms }))
  }

  /** Retention or DeleteRecords took what lies before the log's start. Whether that changes anything. */
  moveStart(logStart: number): boolean {
    if (logStart <= this.start) return false
    this.#list.dropBefore(logStart)
    this.#advance()
    return true
  }

  /** What waits for its dead letter, and is durably known to. */
  archiving(): RecordRun[] {
    return this.#list.runs.filter(run => run.state === Archiving && run.ticket === 0)
  }

  /** The dead letters of these records are durable. */
  archived({ first, last }: OffsetRange): void {
    const range = { first: Math.max(first, this.start), last: Math.min(last, this.end - 1) }
    if (range.first > range.last) return
    this.#list.change([range], part => (part.state === Archiving ? done(part.first, part.last) : part))
    this.#advance()
  }

  /**
   * What a restart has to know, with what is being written taken for written. A record that a member has is free after it, as often
   * delivered as before it was given out.
   */
  snapshot(): ShareSnapshot {
    const batches: StateBatch[] = []
    let startOffset = this.start
    let deliveryCompleteCount = 0
    for (const { first, last, state, deliveries } of this.#list.runs) {
      const isComplete = state === AcknowledgedState || state === Archived
      if (isComplete && first === startOffset) {
        startOffset = last + 1
        continue
      }
      if (isComplete) deliveryCompleteCount += last - first + 1
      const isLocked = state === AcquiredState
      const deliveryState = isLocked ? Available : state
      const deliveryCount = isLocked ? deliveries - 1 : deliveries
      const before = batches.at(-1)
      if (before?.deliveryState === deliveryState && before.deliveryCount === deliveryCount)
        batches[batches.length - 1] = { ...before, lastOffset: last }
      else batches.push({ firstOffset: first, lastOffset: last, deliveryState, deliveryCount })
    }
    const tail = batches.at(-1)
    if (tail?.deliveryState === Available && tail.deliveryCount === 0) batches.pop()
    return { startOffset, deliveryCompleteCount, batches }
  }

  #refusal(member: string, ranges: readonly OffsetRange[]): ErrorCode {
    const { runs } = this.#list
    let before = -1
    for (const { first, last } of ranges) {
      // Said twice: the first time leaves it in no state for the second.
      if (first <= before) return ErrorCodes.INVALID_RECORD_STATE
      before = last
      if (runs.length === 0) return ErrorCodes.INVALID_RECORD_STATE
      if (last >= this.end) return ErrorCodes.INVALID_REQUEST
      for (let i = this.#list.indexOf(first); i < runs.length && runs[i]!.first <= last; i++)
        if (runs[i]!.state !== AcquiredState || runs[i]!.owner !== member) return ErrorCodes.INVALID_RECORD_STATE
    }
    return ErrorCodes.NONE
  }

  #advance(): void {
    const first = this.#list.runs[0]
    if (first && isDone(first)) this.#list.dropBefore(first.last + 1)
  }
}

function released(run: RecordRun, { deliveryCountLimit, hasDeadLetters }: RecordRules): RecordRun {
  const { first, last, deliveries } = run
  if (deliveries < deliveryCountLimit) return available(first, last, deliveries)
  return hasDeadLetters ? { ...available(first, last, deliveries), state: Archiving } : done(first, last)
}

function restoredRun({ lastOffset, deliveryState, deliveryCount }: StateBatch, first: number): RecordRun {
  if (deliveryState === AcknowledgedState || deliveryState === Archived) return done(first, lastOffset)
  const run = available(first, lastOffset, deliveryCount)
  return deliveryState === Archiving ? { ...run, state: Archiving } : run
}
