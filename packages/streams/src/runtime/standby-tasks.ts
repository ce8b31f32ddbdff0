import type { Clock } from '@odradek/world'
import { mostAttempts, type Restorer } from './restorer.ts'
import type { TaskInput } from './task-assignor.ts'
import type { TaskState } from './task-state.ts'

export interface StandbyTasksOptions {
  clock: Clock
  /** Follows changelogs, apart from the one that restores what is about to run. */
  restorer: Restorer
  commitIntervalMs: number
  /** Told of a copy that is given up until the group is divided anew: its changelog is cut again and again. */
  onGivenUp?: ((error: Error) => void) | undefined
  /** Undefined: no such task is known here. */
  inputOf(taskId: string): TaskInput | undefined
  makeState(input: TaskInput): TaskState
}

/** Copies of other instances' state that this one keeps up to date: should it be given the task, it begins where the copy is. */
export class StandbyTasks {
  readonly #options: StandbyTasksOptions
  readonly #states = new Map<string, TaskState>()
  #wanted: readonly string[] = []
  #lastCommit: number

  constructor(options: StandbyTasksOptions) {
    this.#options = options
    this.#lastCommit = options.clock.monotonic()
  }

  get taskIds(): string[] {
    return [...this.#states.keys()]
  }

  get states(): ReadonlyMap<string, TaskState> {
    return this.#states
  }

  /** Offsets that a copy lacks, as far as that is known. */
  remaining(taskId: string): number {
    return this.#options.restorer.remaining(taskId)
  }

  /** What the leader of the group wants here from now on; done at the next `step`, when active tasks have let go of theirs. */
  want(taskIds: readonly string[]): void {
    this.#wanted = taskIds
  }

  /** The state of a task that is active here from now on. */
  async take(taskId: string): Promise<TaskState | undefined> {
    const state = this.#states.get(taskId)
    if (!state) return undefined
    this.#options.restorer.drop(taskId)
    this.#states.delete(taskId)
    this.#wanted = this.#wanted.filter(wanted => wanted !== taskId)
    state.commit()
    return state
  }

  /** Follows the changelogs, without waiting. */
  async step(isActive: (taskId: string) => boolean, signal: AbortSignal): Promise<void> {
    const { restorer, clock, commitIntervalMs } = this.#options
    await this.#settle(isActive, signal)
    if (this.#states.size === 0) return
    await restorer.step(0, signal)
    await this.#letGoOfLost()
    if (clock.monotonic() - this.#lastCommit < commitIntervalMs) return
    this.#lastCommit = clock.monotonic()
    for (const state of this.#states.values()) state.commit({ now: false })
  }

  async close(): Promise<void> {
    await this.#options.restorer.close()
    for (const state of this.#states.values()) await this.#letGo(state)
    this.#states.clear()
  }

  async #settle(isActive: (taskId: string) => boolean, signal: AbortSignal): Promise<void> {
    const wanted = new Set(this.#wanted)
    for (const [taskId, state] of this.#states) {
      if (wanted.has(taskId)) continue
      this.#options.restorer.drop(taskId)
      this.#states.delete(taskId)
      await this.#letGo(state)
    }
    const made: TaskState[] = []
    for (const taskId of wanted) {
      const input = this.#options.inputOf(taskId)
      if (!input || this.#states.has(taskId) || isActive(taskId)) continue
      const state = this.#options.makeState(input)
      this.#states.set(taskId, state)
      made.push(state)
    }
    if (made.length > 0) await this.#options.restorer.add(made, signal, { isStandby: true })
  }

  /** What they had is of no use, and is not kept; the next step makes them anew. */
  async #letGoOfLost(): Promise<void> {
    const { restorer, onGivenUp } = this.#options
    for (const { taskId, attempts, error } of restorer.takeLost()) {
      const state = this.#states.get(taskId)
      this.#states.delete(taskId)
      if (attempts >= mostAttempts) {
        this.#wanted = this.#wanted.filter(wanted => wanted !== taskId)
        onGivenUp?.(error)
      }
      await state?.close()
    }
  }

  async #letGo(state: TaskState): Promise<void> {
    state.commit()
    await state.close()
  }
}
