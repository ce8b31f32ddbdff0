/**
 * Which leader wrote what: for each leader epoch that wrote anything, the offset at which it began. Ascending in both.
 *
 * A client that read up to some offset under an old epoch asks where that epoch ended; if that is less than it has read, the log was
 * cut in between (KIP-279). Epochs that wrote nothing are not kept: the question gets the same answer without them.
 */
export interface EpochStart {
  epoch: number
  startOffset: number
}

export class LeaderEpochs {
  readonly #starts: EpochStart[] = []

  /** Notes that this epoch wrote at this offset. */
  assign(epoch: number, offset: number): void {
    const last = this.#starts.at(-1)
    if (last === undefined || epoch > last.epoch) this.#starts.push({ epoch, startOffset: offset })
  }

  /** End of the largest epoch ≤ the one asked for. `current` is the leader's own, which may have written nothing yet. */
  endOffsetOf(epoch: number, current: number, logEndOffset: number): { epoch: number; endOffset: number } {
    if (epoch === current) return { epoch, endOffset: logEndOffset }
    if (epoch > current) return { epoch: -1, endOffset: -1 }
    const i = this.#starts.findLastIndex(start => start.epoch <= epoch)
    if (i < 0) return { epoch: -1, endOffset: -1 }
    return { epoch: this.#starts[i]!.epoch, endOffset: this.#starts[i + 1]?.startOffset ?? logEndOffset }
  }

  /** The epoch that wrote an offset; -1 when nothing is known of it. */
  epochAt(offset: number): number {
    return this.#starts.findLast(start => start.startOffset <= offset)?.epoch ?? -1
  }

  /** Forgets epochs that end at or before the log's new start. */
  trimBefore(logStartOffset: number): void {
    const keep = this.#starts.findLastIndex(start => start.startOffset <= logStartOffset)
    if (keep > 0) this.#starts.splice(0, keep)
  }
}
