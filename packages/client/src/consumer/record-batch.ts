/** Level two: many records at once, for bulk work. Asking for the next batch says that the last one is processed. */
import type { ConsumerRecord } from './consumer-record.ts'
import type { Intake, Piece } from './intake.ts'
import type { ClaimOutcome, OffsetClaim } from './offset-claim.ts'
import { PartitionRevokedError } from './partition-revoked.ts'
import type { PartitionStay } from './partition-stay.ts'

export class RecordBatch<R extends ConsumerRecord> implements Iterable<R> {
  readonly records: readonly R[]
  readonly #pieces: readonly Piece[]
  readonly #intake: Intake
  #outcome: ClaimOutcome | undefined

  constructor(pieces: readonly Piece[], intake: Intake) {
    this.#pieces = pieces
    this.#intake = intake
    this.records = pieces.flatMap(({ records }) => records) as unknown as R[]
  }

  get length(): number {
    return this.records.length
  }

  map<T>(to: (record: R, index: number) => T): T[] {
    return this.records.map(to)
  }

  [Symbol.iterator](): Iterator<R> {
    return this.records[Symbol.iterator]()
  }

  /**
   * Marks the batch processed and commits it now. Rejects with a PartitionRevokedError when a partition has gone before that; what the
   * batch has of other partitions is committed then.
   */
  async commit({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.processed()
    const stays = new Set(this.#pieces.map(({ stay }) => stay))
    await this.#intake.commitProcessed(
      [...stays].filter(stay => !stay.isOver),
      signal,
    )
    if (!this.#intake.commits) return
    const left = this.#pieces.filter(({ stay, nextOffset }) => stay.isOver && !stay.processed.isCommitted(nextOffset))
    const gone = [...new Set(left.map(({ stay }) => stay))]
    if (gone.length > 0) throw new PartitionRevokedError(gone.map(partitionOf), gone.map(reasonOf))
  }

  /** Its transaction was not committed, and nobody has said since that it is processed: it is to be handed out again. */
  async isToBeRepeated(signal?: AbortSignal): Promise<boolean> {
    if (this.#outcome === 'unknown') return !(await this.#intake.hasCommitted(this.#pieces, signal))
    return this.#outcome === 'aborted'
  }

  /** For a transaction that commits its offsets (see `commitOffsets` there). */
  claim(): OffsetClaim {
    const last = new Map(this.#pieces.map(piece => [piece.stay, piece]))
    const offsets = Array.from(last.values(), ({ stay, nextOffset, leaderEpoch }) => ({
      stay,
      topic: stay.topic,
      partition: stay.partition,
      offset: nextOffset,
      leaderEpoch,
    }))
    return this.#intake.claim(offsets, outcome => {
      this.#outcome = outcome
    })
  }

  processed(): void {
    this.#outcome = undefined
    for (const piece of this.#pieces) this.#intake.processed(piece)
  }
}

const partitionOf = ({ topic, partition }: PartitionStay) => ({ topic, partition })
const reasonOf = ({ signal }: PartitionStay) => (signal.reason as Error).message

export interface BatchOptions {
  /** Default 500: as many records at most. */
  readonly max?: number
  /** Default 100: how long a batch waits to fill up once it has its first record. */
  readonly maxWaitMs?: number
  readonly signal?: AbortSignal
}

const pollMs = 10_000

/** Collects the next batch; empty when the reading has ended. */
export async function collectBatch(
  intake: Intake,
  { max = 500, maxWaitMs = 100, signal }: BatchOptions,
  now: () => number,
  isClosed: () => boolean,
): Promise<Piece[]> {
  let deadline = intake.pending.length > 0 ? now() + maxWaitMs : Number.POSITIVE_INFINITY
  while (!isClosed()) {
    signal?.throwIfAborted()
    const { length } = intake
    // What was collected may have been taken away again, with its partition.
    if (length === 0) deadline = Number.POSITIVE_INFINITY
    else if (deadline === Number.POSITIVE_INFINITY) deadline = now() + maxWaitMs
    const isDue = length >= max || now() >= deadline
    if (length > 0 && isDue && !intake.wantsPoll) return takeUpTo(intake, max)
    const wait = isDue ? 0 : Math.min(pollMs, deadline - now())
    await intake.fill(wait, Math.max(0, max - length), signal)
  }
  return []
}

function takeUpTo(intake: Intake, max: number): Piece[] {
  const taken: Piece[] = []
  for (let left = max; left > 0 && intake.pending.length > 0; ) {
    const piece = intake.pending[0]!
    const rest = piece.at === 0 ? piece : { ...piece, records: piece.records.slice(piece.at), at: 0 }
    if (rest.records.length <= left) {
      intake.pending.shift()
      taken.push(rest)
    } else {
      taken.push({ ...rest, records: rest.records.slice(0, left), nextOffset: rest.records[left]!.offset })
      intake.pending[0] = { ...rest, records: rest.records.slice(left) }
    }
    left -= rest.records.length
  }
  return taken
}
