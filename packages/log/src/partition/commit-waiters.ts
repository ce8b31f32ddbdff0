/**
 * Who waits for a partition's high watermark: appends with acks=-1, each for its own offset, and readers, for any movement at all.
 * Most partitions have none of either, and then this holds nothing.
 */
import type { ErrorCode } from '@odradek/protocol'

/** Hears undefined when the offset is durable, else why it never will be. */
export type HearOutcome = (error: ErrorCode | undefined) => void

interface Append {
  until: number
  hear: HearOutcome
}

const none: readonly Append[] = []

export class CommitWaiters {
  #appends: readonly Append[] = none
  #readers: Set<() => void> | undefined

  addAppend(until: number, hear: HearOutcome): void {
    if (this.#appends === none) this.#appends = []
    ;(this.#appends as Append[]).push({ until, hear })
  }

  /** Everything before the offset is durable. Appends came in the order of their offsets, but for a duplicate now and then. */
  committed(offset: number): void {
    const beyond = this.#appends.findIndex(({ until }) => until > offset)
    const due = beyond < 0 ? this.#appends : this.#appends.slice(0, beyond)
    this.#appends = beyond < 0 ? none : this.#appends.slice(beyond)
    for (const { hear } of due) hear(undefined)
    this.wakeReaders()
  }

  failed(error: ErrorCode): void {
    const appends = this.#appends
    this.#appends = none
    for (const { hear } of appends) hear(error)
    this.wakeReaders()
  }

  /** Called once, at the next movement. */
  addReader(wake: () => void): void {
    this.#readers ??= new Set()
    this.#readers.add(wake)
  }

  removeReader(wake: () => void): void {
    this.#readers?.delete(wake)
  }

  wakeReaders(): void {
    const readers = this.#readers
    this.#readers = undefined
    for (const wake of readers ?? []) wake()
  }
}
