/**
 * Which records may be worked on at the same time. Records of one lane follow each other; lanes run side by side.
 *
 *   'partition'  a lane per partition           'key'  a lane per partition and key (records without a key are free)
 *   'none'       every record on its own
 *
 * Decisions alone: the runner takes what is ready and says when it is done.
 */
import type { ConsumerRecord } from './consumer-record.ts'
import type { PartitionStay } from './partition-stay.ts'

export type Order = 'partition' | 'key' | 'none'

export interface Work {
  readonly record: ConsumerRecord
  readonly stay: PartitionStay
  /** For `stay.processed.finish`. */
  readonly ticket: number
  readonly lane: string | undefined
}

export class WorkLanes {
  readonly #order: Order
  /** Works that may start now, in order of arrival; those before `#head` have. */
  #ready: Work[] = []
  #head = 0
  /** Works that wait for the one before them in their lane, which is under way or ready. */
  readonly #waiting = new Map<string, Work[]>()
  #size = 0

  constructor(order: Order) {
    this.#order = order
  }

  /** Works that have not been taken. */
  get size(): number {
    return this.#size
  }

  add(record: ConsumerRecord, stay: PartitionStay, ticket: number): void {
    const lane = this.#laneOf(record, stay)
    const work = { record, stay, ticket, lane }
    this.#size++
    const waiting = lane === undefined ? undefined : this.#waiting.get(lane)
    if (waiting) waiting.push(work)
    else {
      if (lane !== undefined) this.#waiting.set(lane, [])
      this.#ready.push(work)
    }
  }

  take(): Work | undefined {
    const work = this.#ready[this.#head]
    if (!work) return undefined
    this.#size--
    this.#head++
    if (this.#head > 1_024 && this.#head * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#head)
      this.#head = 0
    }
    return work
  }

  /** The lane may go on. */
  done({ lane }: Work): void {
    if (lane === undefined) return
    const waiting = this.#waiting.get(lane)
    const next = waiting?.shift()
    if (next) this.#ready.push(next)
    else this.#waiting.delete(lane)
  }

  /** Forgets what has not been taken and belongs to stays that are over or are ending. */
  drop(isGone: (stay: PartitionStay) => boolean): void {
    const keep = (work: Work) => !isGone(work.stay)
    const ready = this.#ready.slice(this.#head).filter(keep)
    for (const [lane, waiting] of this.#waiting) this.#waiting.set(lane, waiting.filter(keep))
    this.#ready = ready
    this.#head = 0
    this.#size = ready.length + [...this.#waiting.values()].reduce((sum, { length }) => sum + length, 0)
  }

  #laneOf(record: ConsumerRecord, stay: PartitionStay): string | undefined {
    if (this.#order === 'none') return undefined
    if (this.#order === 'partition') return stay.key
    const { keyBytes } = record
    return keyBytes === null
      ? undefined
      : `${stay.key} ${Buffer.from(keyBytes.buffer, keyBytes.byteOffset, keyBytes.length).toString('latin1')}`
  }
}
