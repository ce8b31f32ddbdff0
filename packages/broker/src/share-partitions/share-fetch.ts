/**
 * One ShareFetch on its way through the logs: reads where its share-partitions want to go on, acquires of what came, and parks while
 * there is too little. Of two that want the same partition one reads at a time, so that no record is read twice.
 */
import type { ReadRequest, ReadResult } from '@odradek/log'
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { RequestContext } from '../handler.ts'
import type { Acquired } from './acquisition.ts'
import { logSpans, sliced } from './log-spans.ts'
import type { SharePartition } from './share-partition.ts'
import type { ShareSettings } from './share-settings.ts'

export interface ShareFetchLimits {
  readonly member: string
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxRecords: number
  readonly batchSize: number
  readonly isStrict: boolean
  /** Whether somebody still wants the records. */
  readonly isWanted: () => boolean
}

/** What one partition gives. */
export interface ShareFetched {
  readonly partition: SharePartition
  error: ErrorCode
  records: Uint8Array[]
  acquired: Acquired[]
}

/** The most that is read of one partition at a time: far more than what is acquired at a time. */
const readBytes = 1024 * 1024
/** Made once: an abort without a reason makes one, with a stack, for every poll that ends. */
const timeIsUp = new Error('the share fetch has waited long enough')

export class ShareFetchRun {
  readonly #limits: ShareFetchLimits
  readonly #settings: ShareSettings
  readonly #context: RequestContext
  readonly #fetched: readonly ShareFetched[]
  /** The high watermarks of the partitions that the last round has read, by their place. */
  readonly #known = new Map<number, number>()
  /** Partitions that are not open yet. */
  readonly #opening = new Map<ShareFetched, Promise<void>>()
  #count = 0
  /** Something happened since the last round began. */
  #isStale = false
  /** The last round found nothing for anybody, and now looks behind it. */
  #hasMoved = false
  #goOn: () => void = () => undefined
  readonly #wake = (): void => {
    this.#isStale = true
    this.#goOn()
  }

  constructor(
    fetched: readonly ShareFetched[],
    limits: ShareFetchLimits,
    settings: ShareSettings,
    context: RequestContext,
  ) {
    this.#fetched = fetched
    this.#limits = limits
    this.#settings = settings
    this.#context = context
  }

  /** `isUrgent`: there is something to tell already. */
  async run(isUrgent: boolean): Promise<void> {
    if (this.#limits.maxRecords <= 0 || this.#limits.maxBytes <= 0) return
    for (const { partition } of this.#fetched) partition.attend(this.#wake)
    try {
      await this.#open()
      await this.#rounds(isUrgent ? 0 : this.#limits.maxWaitMs)
    } finally {
      for (const { partition } of this.#fetched) partition.leave(this.#wake)
    }
  }

  async #rounds(maxWaitMs: number): Promise<void> {
    const { clock } = this.#context.broker
    const until = clock.monotonic() + maxWaitMs
    for (;;) {
      const waitMs = until - clock.monotonic()
      const isLast = waitMs <= 0 || this.#context.signal.aborted
      this.#isStale = false
      this.#hasMoved = false
      await this.#round(isLast)
      if (this.#isAnswer || !this.#isAwaited) return
      if (isLast && this.#opening.size > 0) await Promise.all(this.#opening.values())
      else if (isLast && !this.#hasMoved) return
      this.#context.giveBackAllowance()
      if (!isLast && !this.#isStale && !this.#hasMoved) await this.#somethingNew(waitMs)
    }
  }

  /** Its connection is there, and its session goes on. Else no round takes anything, and what it would have found wakes the next at once. */
  get #isAwaited(): boolean {
    return !this.#context.signal.aborted && this.#limits.isWanted()
  }

  get #isAnswer(): boolean {
    return this.#count > 0 || this.#fetched.some(({ error }) => error !== ErrorCodes.NONE)
  }

  /**
   * Once a partition is open this costs nothing. The first records of a group wait for one partition, not for all: what is open is read,
   * the others are opened meanwhile.
   */
  async #open(): Promise<void> {
    for (const each of this.#fetched) {
      // One after the other, until one is open.
      const opened = each.partition.open()
      each.error = typeof opened === 'number' ? opened : await opened
      if (each.error === ErrorCodes.NONE) break
    }
    for (const each of this.#fetched) {
      const opened = each.partition.open()
      if (typeof opened === 'number') each.error = opened
      else this.#opening.set(each, this.#openMeanwhile(each, opened))
    }
  }

  async #openMeanwhile(each: ShareFetched, opened: Promise<ErrorCode>): Promise<void> {
    each.error = await opened
    this.#opening.delete(each)
    this.#wake()
  }

  async #round(isLast: boolean): Promise<void> {
    const reading: { each: ShareFetched; at: number; read: ReadRequest }[] = []
    this.#known.clear()
    for (const [at, each] of this.#fetched.entries()) {
      if (each.error !== ErrorCodes.NONE || this.#opening.has(each)) continue
      const offset = each.partition.beginRead(this.#wake)
      if (offset < 0) continue
      const { isolation } = this.#settings
      reading.push({ each, at, read: { partition: each.partition.partition, offset, maxBytes: readBytes, isolation } })
    }
    if (reading.length === 0) return
    try {
      const reads = reading.map(({ read }) => read)
      const maxBytes = this.#context.takeAllowance(this.#limits.maxBytes)
      const results = await this.#context.broker.engine.read(reads, { maxBytes, minOne: true })
      for (const [i, { at }] of reading.entries()) this.#known.set(at, results[i]!.state?.highWatermark ?? -1)
      if (!this.#isAwaited) return
      if (!isLast && !isWorthTelling(results, this.#limits.minBytes)) return
      for (const [i, { each, read }] of reading.entries()) this.#take(each, read.offset, results[i]!)
    } finally {
      for (const { each } of reading) each.partition.endRead()
    }
  }

  #take(each: ShareFetched, from: number, result: ReadResult): void {
    const { member, maxRecords, batchSize, isStrict } = this.#limits
    if (!result.ok) {
      this.#fail(each, from, result)
      return
    }
    each.partition.moveStart(result.state.logStartOffset)
    if (this.#count >= maxRecords) return
    const spans = logSpans(result.chunks, result.aborted)
    const acquired = each.partition.acquire({
      member,
      spans,
      from,
      maxRecords: maxRecords - this.#count,
      batchSize,
      isStrict,
    })
    const [first, last] = [acquired[0], acquired.at(-1)]
    if (!first || !last) {
      // Nothing but what nobody wants: look behind it.
      if (each.partition.position !== from) this.#hasMoved = true
      return
    }
    for (const range of acquired) this.#count += range.last - range.first + 1
    each.acquired = acquired
    each.records = sliced(result.chunks, spans, { first: first.first, last: last.last })
  }

  /** Where the log is damaged or gone, the group goes on behind it; anything else the client is told. */
  #fail({ partition }: ShareFetched, from: number, result: ReadResult & { ok: false }): void {
    const { logger } = this.#context.broker
    const { error, state, resumeAt } = result
    if (error === ErrorCodes.OFFSET_OUT_OF_RANGE && state && from < state.logStartOffset) {
      this.#hasMoved = true
      partition.moveStart(state.logStartOffset)
      return
    }
    // The group was told to begin behind the end: it waits until the log gets there, as in Kafka.
    if (error === ErrorCodes.OFFSET_OUT_OF_RANGE && state && from > state.highWatermark) return
    if (error === ErrorCodes.CORRUPT_MESSAGE && resumeAt !== undefined && resumeAt > from) {
      logger.error({ ...partition.name, from, resumeAt }, 'a share group goes on behind damaged records')
      const spans = [{ first: from, last: resumeAt - 1, isDeliverable: false }]
      partition.acquire({ member: this.#limits.member, spans, from, maxRecords: 1, batchSize: 1, isStrict: true })
      this.#hasMoved = true
      return
    }
    const failed = this.#fetched.find(each => each.partition === partition)!
    failed.error = error
  }

  /** Resolves when a log has grown, records were released, it is our turn to read, time is up, or nobody listens any more. */
  async #somethingNew(waitMs: number): Promise<void> {
    const { signal, broker } = this.#context
    const { promise, resolve } = Promise.withResolvers<void>()
    const goOn = (): void => resolve()
    this.#goOn = goOn
    const stop = new AbortController()
    const timer = broker.clock.timer(waitMs, goOn)
    signal.addEventListener('abort', goOn)
    if (signal.aborted) goOn()
    if (this.#known.size > 0) {
      const partitions = Array.from(this.#known.keys(), at => this.#fetched[at]!.partition.partition)
      broker.engine.onGrowth(partitions, [...this.#known.values()], stop.signal).then(goOn, goOn)
    }
    await promise
    stop.abort(timeIsUp)
    timer.cancel()
    signal.removeEventListener('abort', goOn)
  }
}

/** Enough bytes, or anything unusual. */
function isWorthTelling(results: readonly ReadResult[], minBytes: number): boolean {
  let bytes = 0
  for (const result of results) {
    if (!result.ok) return true
    for (const chunk of result.chunks) bytes += chunk.length
  }
  return bytes > 0 && bytes >= Math.min(minBytes, readBytes)
}
