/** One call of `append`: its batches go to their partitions, and when the last of them is answered, so is the call. */
import type { ErrorCode } from '@odradek/protocol'
import type { AppendBatch, Appended } from '../engine.ts'

export class AppendRequest {
  readonly acks: 0 | 1 | -1
  /** On the monotonic clock. */
  readonly deadline: number
  readonly done: Promise<Appended[]>
  readonly #results: Appended[]
  #left: number
  #resolve!: (results: Appended[]) => void

  constructor(batches: number, acks: 0 | 1 | -1, deadline: number) {
    this.acks = acks
    this.deadline = deadline
    this.#results = new Array(batches)
    this.#left = batches
    this.done = new Promise(resolve => {
      this.#resolve = resolve
    })
  }

  get isAnswered(): boolean {
    return this.#left === 0
  }

  /** The first answer counts. */
  answer(slot: number, result: Appended): void {
    if (this.#results[slot] !== undefined) return
    this.#results[slot] = result
    if (--this.#left === 0) this.#resolve(this.#results)
  }

  /** Answers whatever is not answered yet. */
  answerRest(error: ErrorCode): void {
    for (let slot = 0; slot < this.#results.length; slot++) this.answer(slot, { ok: false, error })
  }
}

/** A batch that waits for its partition to write it. */
export interface PendingAppend {
  readonly request: AppendRequest
  readonly slot: number
  readonly batch: AppendBatch
}
