/**
 * Tells every partition of a transaction how it ended: each gets a marker, in the order of its log. A partition that cannot take it now
 * is tried until it can; one that is gone needs none.
 */
import type { AppendBatch, LogEngine, PartitionId } from '@odradek/log'
import { type ErrorCode, ErrorCodes, errorByCode } from '@odradek/protocol'
import { type Clock, sleep } from '@odradek/world'
import type { ClusterStore } from '../cluster-store/cluster-store.ts'
import { markerBatch } from '../coordinator-log/log-writes.ts'
import type { Marker } from '../coordinator-log/record-kind.ts'
import type { Logger } from '../logger.ts'
import type { NamedPartition } from './transaction-partitions.ts'

/** What the partitions of another coordinator's topic take a marker by: it holds what the transaction wrote there. */
export interface MarkerKeeper {
  readonly topic: string
  endTransaction(partition: PartitionId, marker: Marker): Promise<ErrorCode>
}

export interface MarkerWriterOptions {
  readonly engine: LogEngine
  readonly clock: Clock
  readonly logger: Logger
  readonly cluster: Pick<ClusterStore, 'topic'>
  readonly keepers: readonly MarkerKeeper[]
}

const retryMs = 500

export class MarkerWriter {
  readonly #o: MarkerWriterOptions
  readonly #closing = new AbortController()

  constructor(options: MarkerWriterOptions) {
    this.#o = options
  }

  /**
   * Resolves when every partition has its marker, or needs none. Rejects when closed before. The partitions are told in the turn of the
   * call; `delayed` is called when one of them could not take it at once.
   */
  async write(partitions: readonly NamedPartition[], marker: Marker, delayed: () => void): Promise<void> {
    let left = partitions
    for (let attempt = 1; ; attempt++) {
      this.#closing.signal.throwIfAborted()
      const errors = await this.writeOnce(left, marker)
      const open = left.filter((_, i) => !isSettled(errors[i]!))
      if (open.length === 0) return
      if (attempt === 1) {
        delayed()
        this.#report(open, errors, marker)
      }
      left = open
      await sleep(this.#o.clock, retryMs, this.#closing.signal)
    }
  }

  /** One attempt, and what each partition says. */
  async writeOnce(partitions: readonly NamedPartition[], marker: Marker): Promise<ErrorCode[]> {
    const errors: ErrorCode[] = partitions.map(() => ErrorCodes.NONE)
    const batches: AppendBatch[] = []
    const slots: number[] = []
    const kept: Promise<void>[] = []
    for (const [i, { topic, index }] of partitions.entries()) {
      const id = this.#o.cluster.topic(topic)?.partitions[index]?.id
      if (id === undefined) {
        errors[i] = ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION
        continue
      }
      const keeper = this.#o.keepers.find(candidate => candidate.topic === topic)
      if (keeper === undefined) {
        batches.push(markerBatch(id, marker, this.#o.clock.now()))
        slots.push(i)
      } else kept.push(keeper.endTransaction(id, marker).then(error => void (errors[i] = error)))
    }
    const appended = await this.#o.engine.append(batches, { acks: -1, deadline: Infinity })
    for (const [slot, result] of appended.entries()) if (!result.ok) errors[slots[slot]!] = result.error
    await Promise.all(kept)
    return errors
  }

  close(): void {
    this.#closing.abort(new Error('the broker is closing'))
  }

  #report(open: readonly NamedPartition[], errors: readonly ErrorCode[], { producerId }: Marker): void {
    const names = open.map(({ topic, index }) => `${topic}-${index}`)
    const error = errorByCode(errors.find(code => !isSettled(code))!).name
    this.#o.logger.warn(
      { partitions: names, producerId: String(producerId), error },
      'a transaction that has its decision cannot end in all of its partitions yet: it is tried until it can',
    )
  }
}

/** Gone, or already past this transaction. */
function isSettled(error: ErrorCode): boolean {
  return (
    error === ErrorCodes.NONE ||
    error === ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION ||
    error === ErrorCodes.INVALID_PRODUCER_EPOCH ||
    error === ErrorCodes.TRANSACTION_COORDINATOR_FENCED
  )
}
