/**
 * How long readers of committed records stand still: the longest time for which the last stable offset of a partition did not move,
 * though there was something beyond it. A broker that has just started gives open transactions their time anew, as its clock may have been
 * set meanwhile, so that is counted, too, from its last start.
 */
import { type ConsumerEngine, createConsumerEngine, type Kafka } from '@odradek/client'

const everyMs = 250

export class StableOffsets implements AsyncDisposable {
  readonly #ends: ConsumerEngine
  readonly #stable: ConsumerEngine
  readonly #partitions: readonly { topic: string; partition: number }[]
  readonly #moved: { offset: number; at: number }[]
  readonly #running: Promise<void>
  #isOver = false
  #startedAt = 0
  longestMs = 0
  longestSinceStartMs = 0
  /** Partitions with something undecided when it was last looked at. */
  undecided = 0

  constructor(kafka: Kafka, topic: string, partitions: number) {
    this.#ends = createConsumerEngine(kafka.cluster, { isolation: 'read_uncommitted' })
    this.#stable = createConsumerEngine(kafka.cluster, { isolation: 'read_committed' })
    this.#partitions = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
    this.#moved = this.#partitions.map(() => ({ offset: -1, at: performance.now() }))
    this.#running = this.#run()
  }

  brokerStarted(): void {
    this.#startedAt = performance.now()
  }

  /** Resolves when nothing is undecided any more, or after so long. */
  async settled(limitMs: number): Promise<void> {
    const until = performance.now() + limitMs
    do await pause(2 * everyMs)
    while (this.undecided > 0 && performance.now() < until)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await this.#running
    await Promise.all([this.#ends.close(), this.#stable.close()])
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      await this.#look().catch(() => {}) // the broker is away: what is undecided stays so
      await pause(everyMs)
    }
  }

  async #look(): Promise<void> {
    // The end is asked for first: what is stable later and not beyond it stood still.
    const ends = await this.#ends.offsetsFor(this.#partitions, 'latest')
    const stable = await this.#stable.offsetsFor(this.#partitions, 'latest')
    const now = performance.now()
    this.undecided = 0
    for (const [i, moved] of this.#moved.entries()) {
      const offset = stable[i]!
      if (offset < ends[i]!) this.undecided++
      if (offset > moved.offset || offset >= ends[i]!) this.#moved[i] = { offset, at: now }
      else {
        this.longestMs = Math.max(this.longestMs, now - moved.at)
        this.longestSinceStartMs = Math.max(this.longestSinceStartMs, now - Math.max(moved.at, this.#startedAt))
      }
    }
  }
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
