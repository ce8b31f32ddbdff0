import { available, done, type OffsetRange, type RecordRun, RecordStates } from './record-run.ts'
import type { RunList } from './run-list.ts'
import type { RecordRules } from './share-partition-machine.ts'

/** A batch of the log as it was read. Between two of them nothing is. */
export interface LogSpan extends OffsetRange {
  /** False for markers, and for what an aborted transaction wrote, where that is not to be seen. */
  readonly isDeliverable: boolean
}

export interface AcquisitionRequest {
  readonly member: string
  /** What was read, in order, and where reading began: what lies between is not there any more. */
  readonly spans: readonly LogSpan[]
  readonly from: number
  readonly maxRecords: number
  /** Records of one acquired range that are given as one, roughly: a range ends with a batch of the log. */
  readonly batchSize: number
  /** No record more than `maxRecords` (KIP-1206). Otherwise batches of the log are not torn apart. */
  readonly isStrict: boolean
  readonly rules: RecordRules
  readonly now: number
}

export interface Acquired extends OffsetRange {
  readonly deliveryCount: number
}

/**
 * One acquisition, being worked out: which records a member gets of those that were read.
 *
 * Records that were given out often come in ever smaller portions, and for the last time alone: so a record that its consumers stumble
 * over does not take its neighbours along.
 */
export class Acquisition {
  readonly acquired: { first: number; last: number; deliveryCount: number }[] = []
  /** Of what was given out before: where it is given out again, and where there is nothing to give. */
  readonly changes: (OffsetRange & { isDone: boolean })[] = []
  /** Beyond the end of the list. */
  readonly appended: RecordRun[] = []
  readonly #list: RunList
  readonly #request: AcquisitionRequest
  /** Of records never given out. */
  #room: number
  #count = 0
  #isOver = false

  constructor(list: RunList, request: AcquisitionRequest, room: number) {
    this.#list = list
    this.#request = request
    this.#room = room
    let next = request.from
    for (const span of request.spans) {
      if (this.#isFull) break
      if (span.first > next) this.#visit(next, span.first - 1, false)
      this.#visit(span.first, span.last, span.isDeliverable)
      next = span.last + 1
    }
  }

  #visit(first: number, last: number, isDeliverable: boolean): void {
    if (first < this.#list.end) this.#again(first, Math.min(last, this.#list.end - 1), isDeliverable)
    if (!this.#isFull && last >= this.#end) this.#anew(last, isDeliverable)
  }

  get #isFull(): boolean {
    return this.#isOver || this.#count >= this.#request.maxRecords
  }

  /** What was given out before. */
  #again(first: number, last: number, isDeliverable: boolean): void {
    const { runs, start } = this.#list
    const from = Math.max(first, start)
    if (from > last) return
    for (let i = this.#list.indexOf(from); i < runs.length && runs[i]!.first <= last && !this.#isFull; i++) {
      const run = runs[i]!
      if (run.state !== RecordStates.Available) continue
      const part = { first: Math.max(run.first, from), last: Math.min(run.last, last) }
      if (isDeliverable) this.#take(part, run.deliveries)
      else this.changes.push({ ...part, isDone: true })
    }
  }

  #take({ first, last }: OffsetRange, deliveries: number): void {
    const { isStrict, maxRecords, rules } = this.#request
    const isLastTime = deliveries > 0 && deliveries >= rules.deliveryCountLimit - 1
    if (isLastTime && this.#count > 0) {
      this.#isOver = true
      return
    }
    const count = last - first + 1
    const portion = isLastTime ? 1 : portionOf(count, deliveries, rules.deliveryCountLimit)
    const taken = isStrict ? Math.min(portion, maxRecords - this.#count) : portion
    this.#isOver = isLastTime || portion < count
    this.changes.push({ first, last: first + taken - 1, isDone: false })
    this.#give(first, first + taken - 1, deliveries + 1)
  }

  /** What nobody has had yet. */
  #anew(until: number, isDeliverable: boolean): void {
    const { member, now, rules, isStrict, maxRecords } = this.#request
    const first = this.#end
    if (!isDeliverable) {
      this.appended.push(done(first, until))
      return
    }
    if (this.#room <= 0) {
      this.#isOver = true
      return
    }
    const most = Math.min(this.#room, maxRecords - this.#count)
    const last = isStrict ? Math.min(until, first + most - 1) : until
    this.#room -= last - first + 1
    const run = available(first, last, 1)
    this.appended.push({ ...run, state: RecordStates.Acquired, owner: member, lockedUntil: now + rules.lockMs })
    this.#give(first, last, 1)
  }

  get #end(): number {
    const last = this.appended.at(-1)
    return last ? last.last + 1 : this.#list.end
  }

  /** Joins ranges that follow each other, up to the size that the client asks for. */
  #give(first: number, last: number, deliveryCount: number): void {
    this.#count += last - first + 1
    const before = this.acquired.at(-1)
    const isJoined =
      before !== undefined &&
      before.last + 1 === first &&
      before.deliveryCount === deliveryCount &&
      before.last - before.first + 1 < this.#request.batchSize
    if (isJoined) before.last = last
    else this.acquired.push({ first, last, deliveryCount })
  }
}

/** Half as many with every delivery, once half of the deliveries are used up. */
function portionOf(count: number, deliveries: number, limit: number): number {
  const from = Math.max(2, Math.ceil(limit / 2))
  return deliveries < from ? count : Math.max(1, count >> Math.min(30, deliveries - from + 1))
}
