import { type ConsumerEngine, keyOf, type PartitionBatch, type TopicPartition } from '@odradek/client'
import type { RestoreProgress } from './streams-options.ts'
import type { LoggedStore, TaskState } from './task-state.ts'

export interface RestorerOptions {
  /** Reads changelogs: no group, beginning at the earliest offset. It belongs to the restorer. */
  engine: ConsumerEngine
  /** Asked where changelogs begin and end: with records that are not committed, so that a transaction still open is waited for. */
  offsetsFor: ConsumerEngine['offsetsFor']
  /** The id that a topic has now; undefined where the brokers have no ids. */
  topicIdOf(topic: string): Promise<string | undefined>
  onProgress?: ((progress: RestoreProgress) => void) | undefined
  /** What a store had is of no use: its changelog does not go back so far, or not on so far, or is another topic. For the log. */
  onWiped?: ((store: LoggedStore, taskId: string) => void) | undefined
}

interface Running extends LoggedStore {
  readonly state: TaskState
  /** Infinity: follows the changelog for ever, as a standby does. */
  readonly end: number
  position: number
  restored: number
  /** Of a standby: it has been at the end once, and its state is committed. */
  hasCaughtUp: boolean
}

/** Few, so that most of them are garbage when the young generation is swept: what survives makes it grow, to over 100 MB. */
const takenAtOnce = 1_000

/**
 * Fills stores from their changelogs, a poll at a time, so that the thread keeps its place in the group meanwhile. A store is restored
 * when the *position* has reached the end that was read at the beginning, not when a record of that offset was seen: the last offsets
 * may be transaction markers, or compacted away (streams facts 2.33). It begins where the store was committed last; a store that lies
 * outside of what the changelog still has is emptied and begins anew (2.34).
 */
export class Restorer {
  readonly #options: RestorerOptions
  readonly #engine: ConsumerEngine
  readonly #running = new Map<string, Running>()
  readonly #byTask = new Map<string, number>()
  /** What was read is being written: there is no reason to wait for records. */
  #isLoading = false

  constructor(options: RestorerOptions) {
    this.#options = options
    this.#engine = options.engine
  }

  /** Starts to restore what is behind, or to follow. */
  async add(states: readonly TaskState[], signal: AbortSignal, { isStandby = false } = {}): Promise<void> {
    const wanted = states.flatMap(state => state.logged.map(logged => ({ ...logged, state })))
    if (wanted.length === 0) return
    await this.#mustBelong(wanted)
    const changelogs = wanted.map(({ changelog }) => changelog)
    const [starts, ends] = await Promise.all(
      (['earliest', 'latest'] as const).map(point => this.#options.offsetsFor(changelogs, point, { signal })),
    )
    for (const [i, { state, ...logged }] of wanted.entries()) {
      const [start, end] = [starts![i] ?? 0, ends![i] ?? 0]
      const position = this.#beginning(state, logged, start, end)
      if (!isStandby && position >= end) state.restoredTo(logged.store.name, position)
      else
        this.#begin({
          ...logged,
          state,
          end: isStandby ? Number.POSITIVE_INFINITY : end,
          position,
          restored: 0,
          hasCaughtUp: false,
        })
    }
    this.#follow()
    for (const { changelog } of wanted) {
      const running = this.#running.get(keyOf(changelog))
      if (running) this.#engine.seek(changelog, running.position)
    }
  }

  /** Gives up what belongs to a task: it was taken away. */
  drop(taskId: string): void {
    for (const [key, running] of this.#running) if (running.state.taskId === taskId) this.#running.delete(key)
    this.#byTask.delete(taskId)
    this.#follow()
  }

  get isIdle(): boolean {
    return this.#running.size === 0
  }

  isRestoring(taskId: string): boolean {
    return this.#byTask.has(taskId)
  }

  /** Offsets that are left, of a task's stores together. */
  remaining(taskId: string): number {
    let remaining = 0
    for (const running of this.#running.values())
      if (running.state.taskId === taskId) remaining += lagOf(running, this.#engine)
    return remaining
  }

  /** Takes what has arrived, waiting up to `maxMs` for it. */
  async step(maxMs: number, signal: AbortSignal): Promise<void> {
    const touched = new Set<TaskState>()
    for (const batch of await this.#engine.poll(this.#isLoading ? 0 : maxMs, { maxRecords: takenAtOnce, signal })) {
      const running = this.#running.get(keyOf(batch))
      if (!running) continue
      this.#take(running, batch)
      touched.add(running.state)
    }
    for (const state of touched) state.commit({ now: this.#catchesUp(state) })
    this.#finish()
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  /** A changelog that was deleted and made anew, or one of another cluster, has offsets of its own. */
  async #mustBelong(wanted: readonly (LoggedStore & { state: TaskState })[]): Promise<void> {
    for (const { state, ...logged } of wanted) {
      const id = await this.#options.topicIdOf(logged.changelog.topic)
      if (id !== undefined && !state.belongsTo(logged.store.name, id)) this.#options.onWiped?.(logged, state.taskId)
    }
  }

  #beginning(state: TaskState, logged: LoggedStore, start: number, end: number): number {
    const { name } = logged.store
    const position = state.position(name)
    if (position === undefined) return start
    if (position >= start && position <= end) return position
    state.wipe(name)
    this.#options.onWiped?.(logged, state.taskId)
    return start
  }

  #begin(running: Running): void {
    this.#running.set(keyOf(running.changelog), running)
    const { taskId } = running.state
    this.#byTask.set(taskId, (this.#byTask.get(taskId) ?? 0) + 1)
    this.#tell(running)
  }

  #take(running: Running, { records, nextOffset }: PartitionBatch): void {
    const { store } = running
    if (store.restoreBatch) store.restoreBatch(records)
    else for (const { key, value, timestamp } of records) if (key !== null) store.restore(key, value, timestamp)
    running.position = nextOffset
    running.restored += records.length
    running.state.restoredTo(store.name, nextOffset)
    if (nextOffset < running.end) this.#tell(running)
  }

  #finish(): void {
    const isRead = ({ changelog, end }: Running): boolean => (this.#engine.position(changelog) ?? 0) >= end
    const unread = new Set([...this.#running.values()].filter(running => !isRead(running)).map(({ state }) => state))
    const read = [...this.#running].filter(([, running]) => isRead(running))
    // All of a task's stores are written together, a part at a time.
    const loading = new Set(read.map(([, { state }]) => state).filter(state => !unread.has(state) && !state.load()))
    this.#isLoading = loading.size > 0
    const restored = read.filter(([, { state }]) => !loading.has(state))
    if (restored.length === 0) return
    for (const [key, running] of restored) {
      const { state, store, changelog } = running
      running.position = this.#engine.position(changelog)!
      state.restoredTo(store.name, running.position)
      this.#running.delete(key)
      const left = this.#byTask.get(state.taskId)! - 1
      if (left > 0) this.#byTask.set(state.taskId, left)
      else this.#byTask.delete(state.taskId)
    }
    for (const state of new Set(restored.map(([, running]) => running.state))) if (!unread.has(state)) state.commit()
    for (const [, running] of restored) this.#tell(running)
    this.#follow()
  }

  /** Once: until then a store may keep what it takes to itself, and write all of it in one go. */
  #catchesUp(state: TaskState): boolean {
    const following = [...this.#running.values()].filter(
      running => running.state === state && running.end === Number.POSITIVE_INFINITY && !running.hasCaughtUp,
    )
    if (following.length === 0 || following.some(running => lagOf(running, this.#engine) > 0)) return false
    if (!state.load()) return false
    for (const running of following) running.hasCaughtUp = true
    return true
  }

  #tell({ state, store, changelog, position, end, restored }: Running): void {
    if (end === Number.POSITIVE_INFINITY) return
    const { topic, partition } = changelog
    const remaining = Math.max(0, end - position)
    const progress = {
      taskId: state.taskId,
      store: store.name,
      topic,
      partition,
      position,
      endOffset: end,
      remaining,
      restored,
    }
    this.#options.onProgress?.(progress)
  }

  #follow(): void {
    this.#engine.assign([...this.#running.values()].map(({ changelog }) => changelog))
  }
}

function lagOf({ end, position, changelog }: Running, engine: { lag(at: TopicPartition): number | undefined }): number {
  return end === Number.POSITIVE_INFINITY ? (engine.lag(changelog) ?? 0) : Math.max(0, end - position)
}
