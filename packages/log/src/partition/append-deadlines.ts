/** Answers appends whose deadline has passed. One timer for all of them, set only while some wait. */
import { ErrorCodes } from '@odradek/protocol'
import type { Clock, Timer } from '@odradek/world'
import type { AppendRequest } from './append-request.ts'

export class AppendDeadlines {
  readonly #clock: Clock
  readonly #waiting = new Set<AppendRequest>()
  #timer: Timer | undefined
  #armedFor = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  watch(request: AppendRequest): void {
    this.#waiting.add(request)
    this.#arm(request.deadline)
  }

  answered(request: AppendRequest): void {
    this.#waiting.delete(request)
  }

  close(): void {
    this.#timer?.cancel()
  }

  #arm(deadline: number): void {
    if (deadline >= this.#armedFor) return
    this.#timer?.cancel()
    this.#armedFor = deadline
    this.#timer = this.#clock.timer(Math.max(0, deadline - this.#clock.monotonic()), () => this.#expire())
  }

  #expire(): void {
    const now = this.#clock.monotonic()
    let earliest = Number.POSITIVE_INFINITY
    for (const request of this.#waiting) {
      if (request.deadline <= now) request.answerRest(ErrorCodes.REQUEST_TIMED_OUT)
      else earliest = Math.min(earliest, request.deadline)
    }
    this.#armedFor = Number.POSITIVE_INFINITY
    this.#arm(earliest)
  }
}
