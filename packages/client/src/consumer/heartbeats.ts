/**
 * Tells the coordinator every few seconds that we live. On its own timer and its own connection: neither a slow handler nor a parked
 * JoinGroup nor a long poll delays it.
 */
import { Heartbeat } from '@odradek/protocol'
import type { Timer } from '@odradek/world'
import type { Cluster } from '../cluster/cluster.ts'
import { callCoordinator, forgetIfMoved } from './group-call.ts'

export interface Beat {
  readonly memberId: string
  readonly generation: number
}

export interface HeartbeatsOptions {
  readonly cluster: Cluster
  readonly groupId: string
  readonly groupInstanceId: string | null
  readonly intervalMs: number
  readonly purpose: string
  /** Who we are now; null while nobody needs to hear of us. */
  readonly current: () => Beat | null
  /** With the answer's error code, 0 included; for the beat it was the answer to. */
  readonly onAnswer: (errorCode: number, beat: Beat) => void
  readonly onFailure: (error: unknown) => void
}

export class Heartbeats {
  readonly #options: HeartbeatsOptions
  #timer: Timer | undefined
  #isBeating = false
  #isClosed = false

  constructor(options: HeartbeatsOptions) {
    this.#options = options
  }

  /** Starts the timer if it is not running; it stops by itself when there is nobody to speak for. */
  wake(): void {
    if (this.#timer || this.#isClosed || this.#options.current() === null) return
    this.#timer = this.#options.cluster.clock.timer(this.#options.intervalMs, () => this.#tick(), { keepAlive: true })
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#options.cluster.closePurpose(this.#options.purpose)
  }

  #tick(): void {
    this.#timer = undefined
    const beat = this.#options.current()
    if (beat === null) return
    this.wake()
    if (!this.#isBeating) void this.#beat(beat)
  }

  async #beat(beat: Beat): Promise<void> {
    const { cluster, groupId, groupInstanceId, purpose, onAnswer, onFailure } = this.#options
    const request = { groupId, groupInstanceId, memberId: beat.memberId, generationId: beat.generation }
    this.#isBeating = true
    try {
      const { errorCode } = await callCoordinator(cluster, groupId, Heartbeat, request, { purpose })
      forgetIfMoved(cluster, groupId, errorCode)
      if (!this.#isClosed) onAnswer(errorCode, beat)
    } catch (error) {
      if (!this.#isClosed) onFailure(error)
    } finally {
      this.#isBeating = false
    }
  }
}
