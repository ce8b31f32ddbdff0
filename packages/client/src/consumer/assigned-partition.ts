/**
 * One assigned partition as the engine sees it: where it is, what has been fetched ahead, and what has to be found out first.
 *
 *      need ─────────────► placed ──► fetched ahead ──► handed out
 *   (a committed offset,     position ≤ ……………… ≤ fetchOffset
 *    a start, a check)            └── buffer ──┘
 *
 * Whatever moves the position by hand raises `version`, and answers to older questions are dropped.
 */
import type { LazyRecord } from '@odradek/protocol'
import type { DamagedRecordsError } from './damaged-records.ts'
import type { FetchedBytes } from './fetched-bytes.ts'
import type { Start } from './start-position.ts'
import { partitionKey } from './topic-partition.ts'

export type Need =
  /** The group's committed offset; if there is none, the configured start. */
  | { kind: 'committed' }
  | { kind: 'start'; start: Start; reason: string }
  /** Whether the new leader has what we have read (OffsetForLeaderEpoch). */
  | { kind: 'validation' }
  | null

export class AssignedPartition {
  readonly topic: string
  readonly partition: number
  readonly key: string
  version = 0
  need: Need
  isPaused = false
  isInFlight = false
  /** No fetch before this moment of the monotonic clock. */
  notBefore = 0
  /** Times in a row that fetched bytes did not make sense. */
  damages = 0
  /** Told by the next poll; nothing is fetched meanwhile. */
  damage: DamagedRecordsError | null = null
  /** First offset that could not be read, as of the last answer; -1 unknown. */
  endOffset = -1
  logStartOffset = -1
  /** A nearer replica that the leader has pointed to, until a moment of the monotonic clock (KIP-392). */
  nearer: { nodeId: number; until: number } | null = null
  /** Leader epoch in which the position was last known to be right. */
  validatedEpoch = -1
  partitionMaxBytes: number
  #position: number | undefined
  #positionEpoch = -1
  #fetchOffset = 0
  #buffer: FetchedBytes[] = []
  #bufferedBytes = 0

  constructor(topic: string, partition: number, partitionMaxBytes: number, need: Need) {
    this.topic = topic
    this.partition = partition
    this.key = partitionKey(topic, partition)
    this.partitionMaxBytes = partitionMaxBytes
    this.need = need
  }

  /** The next offset to hand out; undefined while it is being looked up. */
  get position(): number | undefined {
    return this.#position
  }

  /** Leader epoch of what lies before the position, -1 when unknown. */
  get positionEpoch(): number {
    return this.#positionEpoch
  }

  get fetchOffset(): number {
    return this.#fetchOffset
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  get lag(): number | undefined {
    return this.#position === undefined || this.endOffset < 0 ? undefined : Math.max(0, this.endOffset - this.#position)
  }

  isFetchable(now: number): boolean {
    return (
      this.need === null &&
      this.damage === null &&
      !this.isPaused &&
      !this.isInFlight &&
      this.notBefore <= now &&
      this.#bufferedBytes < 2 * this.partitionMaxBytes
    )
  }

  /** Everything up to the end, as last seen, has been fetched. False while the end is unknown. */
  get isAtEnd(): boolean {
    return this.endOffset >= 0 && this.#fetchOffset >= this.endOffset
  }

  get hasBuffered(): boolean {
    return this.#buffer.length > 0 && !this.isPaused && this.#position !== undefined
  }

  /** The position is known. */
  place(offset: number, leaderEpoch: number): void {
    this.#drop()
    this.#repaired()
    this.need = null
    this.#position = offset
    this.#positionEpoch = leaderEpoch
    this.#fetchOffset = offset
    this.endOffset = -1
  }

  /** The position is not known: find it. */
  lookFor(need: NonNullable<Need>): void {
    this.#drop()
    this.#repaired()
    this.need = need
    this.#position = undefined
    this.#positionEpoch = -1
  }

  /** Fetch again from the position: what was fetched ahead is damaged or may be wrong. */
  refetch(): void {
    this.#drop()
    if (this.#position !== undefined) this.#fetchOffset = this.#position
  }

  /** What to throw, once: then the bytes are fetched again, should nobody seek past them. */
  takeDamage(): DamagedRecordsError | null {
    const { damage } = this
    if (damage === null || this.isPaused) return null
    this.#repaired()
    return damage
  }

  validate(): void {
    if (this.need !== null) return
    this.version++
    this.need = { kind: 'validation' }
  }

  validated(leaderEpoch: number): void {
    if (this.need?.kind === 'validation') this.need = null
    this.validatedEpoch = leaderEpoch
  }

  arrived(fetched: FetchedBytes): void {
    this.#fetchOffset = fetched.endOffset
    this.#bufferedBytes += fetched.size
    this.#buffer.push(fetched)
  }

  /** Appends up to `max` records of one leader epoch and moves the position behind them. True when the position moved. */
  take(max: number, into: LazyRecord[]): boolean {
    const before = this.#position
    while (this.#buffer.length > 0 && into.length === 0) {
      const fetched = this.#buffer[0]!
      try {
        fetched.take(max, into)
      } finally {
        // Also when the bytes turn out damaged: what was handed out before that is not fetched again.
        const last = into.at(-1)
        this.#position = Math.max(this.#position!, fetched.nextOffset, last ? last.offset + 1 : 0)
        if (fetched.leaderEpoch >= 0) this.#positionEpoch = fetched.leaderEpoch
      }
      if (!fetched.isExhausted) break
      this.#buffer.shift()
      this.#bufferedBytes -= fetched.size
    }
    if (this.#position !== before) this.damages = 0
    return this.#position !== before
  }

  #repaired(): void {
    this.damage = null
    this.damages = 0
  }

  #drop(): void {
    this.version++
    this.#buffer = []
    this.#bufferedBytes = 0
  }
}
