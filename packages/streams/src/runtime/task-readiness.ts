import type { TopicPartition } from '@odradek/client'
import type { StreamTask } from '../task/stream-task.ts'

export interface TaskReadinessOptions {
  maxTaskIdleMs: number
  now(): number
  /** Records that the brokers have of a partition beyond those handed out; undefined: not known yet. */
  lagOf(at: TopicPartition): number | undefined
}

/**
 * Whether a task may take its next record. While one of its inputs is empty the record with the lowest timestamp may still be on its way,
 * so it waits as long as the brokers have more of it, or as that is not known; `maxTaskIdleMs` longer, or not at all with -1 (KIP-695,
 * streams facts 2.29).
 */
export class TaskReadiness {
  readonly #options: TaskReadinessOptions
  readonly #idleSince = new Map<string, number>()

  constructor(options: TaskReadinessOptions) {
    this.#options = options
  }

  isReady(task: StreamTask): boolean {
    if (!task.hasWork) return false
    const { maxTaskIdleMs, lagOf, now } = this.#options
    if (!task.hasEmptyInput || maxTaskIdleMs < 0) {
      if (this.#idleSince.size > 0) this.#idleSince.delete(task.id)
      return true
    }
    for (const at of task.emptyInputs()) if (lagOf(at) !== 0) return false
    if (maxTaskIdleMs === 0) return true
    const since = this.#idleSince.get(task.id)
    if (since !== undefined) return now() - since >= maxTaskIdleMs
    this.#idleSince.set(task.id, now())
    return false
  }

  forget(taskId: string): void {
    this.#idleSince.delete(taskId)
  }
}
