/**
 * Records that a transaction was lost with, and that the production handler passes over. The transaction is done again from the last
 * commit; then they are left out, and their dead letters are written in their place: both are committed, or neither.
 *
 *     refused ──handler: resume──▶ excused ──the same is written again──▶ left out, dead letters written ──commit──▶ forgotten
 *
 * The same: by the same node, of the same record, with the same bytes. What is written anew each time (the time of day, say) is refused
 * anew, too, and excused one by one; so rounds that meet nothing of
 * what was excused are bounded.
 */
import type { Origin } from '../handlers/error-desk.ts'
import type { DeadLetter } from '../handlers/handlers.ts'
import { StreamsError } from '../streams-error.ts'
import type { OutgoingRecord } from '../task/collector.ts'

/** In a row. Each of them does the transaction again, from its beginning. */
const mostRounds = 50
const mostCommits = 50

interface Excused {
  readonly record: OutgoingRecord
  readonly origin: Origin | undefined
  readonly letters: readonly DeadLetter[]
  /** It has been written again, and left out. */
  isMet: boolean
  /** Transactions that were committed before it was met: a later record that is like it is another one. */
  commits: number
}

export class ExcusedRecords {
  #records: Excused[] = []
  #isFresh = false
  #rounds = 0

  get isEmpty(): boolean {
    return this.#records.length === 0
  }

  add(record: OutgoingRecord, origin: Origin | undefined, letters: readonly DeadLetter[]): void {
    this.#records.push({ record, origin, letters, isMet: false, commits: 0 })
    this.#isFresh = true
  }

  /** What is to be written in place of the record; undefined: the record itself. */
  inPlaceOf(record: OutgoingRecord, origin: Origin | undefined): readonly DeadLetter[] | undefined {
    const found = this.#records.find(excused => isSame(excused.record, record) && isFrom(excused.origin, origin))
    if (!found) return undefined
    found.isMet = true
    this.#rounds = 0
    return found.letters
  }

  /** Whether some have come since the last round: then to do the transaction again makes sense. */
  beginRound(): boolean {
    const isWorthwhile = this.#isFresh
    this.#isFresh = false
    for (const excused of this.#records) excused.isMet = false
    if (isWorthwhile && ++this.#rounds > mostRounds) throw neverTheSame(this.#records.at(-1)!)
    return isWorthwhile
  }

  /** What the transaction has not come to yet is kept for some more. */
  committed(): void {
    if (this.isEmpty) return
    this.#records = this.#records.filter(excused => !excused.isMet && ++excused.commits < mostCommits)
    this.#rounds = 0
  }
}

const isSame = (one: OutgoingRecord, other: OutgoingRecord): boolean =>
  one.topic === other.topic &&
  one.partition === other.partition &&
  areEqual(one.key, other.key) &&
  areEqual(one.value, other.value)

const isFrom = (one: Origin | undefined, other: Origin | undefined): boolean =>
  one?.node === other?.node &&
  one?.topic === other?.topic &&
  one?.partition === other?.partition &&
  one?.offset === other?.offset

const areEqual = (one: Uint8Array | null, other: Uint8Array | null): boolean =>
  one === null || other === null ? one === other : Buffer.compare(one, other) === 0

function neverTheSame({ record, origin }: Excused): StreamsError {
  const { topic } = record
  const node = origin?.node
  return new StreamsError(
    'PRODUCTION',
    `The transaction was done ${mostRounds} times, and each time another record${node === undefined ? '' : ` of node ${node}`} for ${topic} ` +
      'was refused that the production handler passes over. Does the node write something else each time it processes the same record?',
    { node, topic },
  )
}
