import type { StreamRecord } from '../record.ts'

/** A record that waits for its task, with where it came from. */
export interface QueuedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly record: StreamRecord<any, any>
}

/**
 * The input of a task: a queue for each of its partitions. The next record is that whose head has the lowest timestamp; within a
 * partition order never changes (streams facts 2.28).
 */
export class RecordQueues {
  readonly #queues = new Map<string, QueuedRecord[]>()
  readonly #heads = new Map<string, number>()
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Records waiting of one partition. */
  waiting(topic: string, partition: number): number {
    const key = `${topic}-${partition}`
    return (this.#queues.get(key)?.length ?? 0) - (this.#heads.get(key) ?? 0)
  }

  add(queued: QueuedRecord): void {
    const key = `${queued.topic}-${queued.partition}`
    const queue = this.#queues.get(key)
    if (queue) queue.push(queued)
    else this.#queues.set(key, [queued])
    this.#length++
  }

  next(): QueuedRecord | undefined {
    let best: QueuedRecord | undefined
    let bestKey = ''
    for (const [key, queue] of this.#queues) {
      const head = queue[this.#heads.get(key) ?? 0]
      if (head && (best === undefined || head.record.timestamp < best.record.timestamp)) {
        best = head
        bestKey = key
      }
    }
    if (best) this.#drop(bestKey)
    return best
  }

  /** Moves the head; the array is emptied once it is read through, so a shift costs nothing. */
  #drop(key: string): void {
    const queue = this.#queues.get(key)!
    const head = (this.#heads.get(key) ?? 0) + 1
    this.#length--
    if (head === queue.length) {
      this.#queues.set(key, [])
      this.#heads.set(key, 0)
    } else this.#heads.set(key, head)
  }
}
