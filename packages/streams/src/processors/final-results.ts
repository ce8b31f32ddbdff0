import { type Change, changeOf } from '../change.ts'
import { inTurn, type ProcessorContext } from '../processor.ts'
import type { Done, RecordHeaders } from '../record.ts'
import type { Windowed } from '../state/stores.ts'

export interface FinalResult<K, A> {
  readonly window: Windowed<K>
  readonly value: A
  readonly timestamp: number
}

/** Results whose windows close with stream time, by the time that tells when: the start of a window, the end of a session. */
export interface ClosingWindows<K, A> {
  /** A window is closed when this much has passed since that time. */
  readonly spanMs: number
  /** Within the bounds, inclusive, in order. */
  between(from: number, to: number): Iterable<FinalResult<K, A>>
}

/**
 * Emit on close: each window's last result once, when a record moves stream time beyond its end and its grace (KIP-825); in the order
 * of the windows, with the headers of that record. At most once per `emitIntervalMs` of wall clock, unless the record would make the
 * store forget windows that have not been passed on (streams facts 2.20, 2.21: Kafka Streams loses those).
 */
export class FinalResults<K, A> {
  readonly #context: ProcessorContext<Windowed<K>, Change<A>>
  readonly #name: string
  readonly #windows: ClosingWindows<K, A>
  #nextEmitAt = Number.NEGATIVE_INFINITY
  /** What was closed up to; kept with the committed offsets (streams facts 2.30). */
  #closedBefore: number | undefined

  constructor(context: ProcessorContext<Windowed<K>, Change<A>>, name: string, windows: ClosingWindows<K, A>) {
    this.#context = context
    this.#name = name
    this.#windows = windows
    this.#closedBefore = context.progress(name)
  }

  /** Before the record is added. `storedFrom`: what is older will be forgotten with it. */
  emit(closeTime: number, storedFrom: number, headers: RecordHeaders): Done {
    const { spanMs } = this.#windows
    const closed = this.#closedBefore
    const to = closeTime - spanMs
    if (to < 0 || (closed !== undefined && closeTime <= closed)) return
    const from = closed === undefined ? 0 : Math.max(0, closed - spanMs + 1)
    const { systemTime } = this.#context
    if (systemTime < this.#nextEmitAt && storedFrom <= from) return
    this.#nextEmitAt = systemTime + this.#context.emitIntervalMs
    this.#closedBefore = closeTime
    this.#context.keepProgress(this.#name, closeTime)
    return inTurn(this.#windows.between(from, to)[Symbol.iterator](), ({ window: key, value, timestamp }) =>
      this.#context.forward({ key, value: changeOf(value, null), timestamp, headers }),
    )
  }
}
