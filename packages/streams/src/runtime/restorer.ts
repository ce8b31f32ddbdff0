import { type ConsumerEngine, type EngineHooks, keyOf, type PartitionBatch, type TopicPartition } from '@odradek/client'
import { StreamsError } from '../streams-error.ts'
import { LostPositions } from './lost-positions.ts'
import type { RestoreProgress } from './streams-options.ts'
import type { LoggedStore, TaskState } from './task-state.ts'

export interface RestorerOptions {
  /** Makes what reads changelogs: no group, beginning at the earliest offset, with these hooks. It belongs to the restorer. */
  engine(hooks: EngineHooks): ConsumerEngine
  /** Asked where changelogs begin and end: with records that are not committed, so that a transaction still open is waited for. */
  offsetsFor: ConsumerEngine['offsetsFor']
  /** The id that a topic has now; undefined where the brokers have no ids. */
  topicIdOf(topic: string): Promise<string | undefined>
  /** The same as far as it is known without asking. */
  knownIdOf(topic: string): string | undefined
  onProgress?: ((progress: RestoreProgress) => void) | undefined
  /** What a store had is of no use: its changelog does not go back so far, or not on so far, or is another topic. For the log. */
  onWiped?: ((store: LoggedStore, taskId: string, reason: string) => void) | undefined
}

export interface AddOptions {
  /** Follows for ever. */
  isStandby?: boolean
  /** What the group has committed of an input: a store that is filled from it is restored so far. */
  committedOf?(at: TopicPartition): number | undefined
}

/** A task whose state must be made anew, and restored from the beginning of a changelog. */
export interface LostState {
  readonly taskId: string
  /** How often in a row, with this time. */
  readonly attempts: number
  /** What to say when that was too often. */
  readonly error: StreamsError
}

/** So often a state is made anew because its changelog was cut while it was restored, before that is an error. */
export const mostAttempts = 10

interface Wanted extends LoggedStore {
  readonly state: TaskState
}

interface Running extends Wanted {
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
 * outside of what the changelog still has is emptied and begins anew (2.34). What is in memory by then cannot be taken back: the whole
 * state of such a task is given up, and whoever has it is told by `takeLost` to make it anew.
 */
export class Restorer {
  readonly #options: RestorerOptions
  readonly #engine: ConsumerEngine
  readonly #running = new Map<string, Running>()
  readonly #byTask = new Map<string, number>()
  readonly #positions: LostPositions
  readonly #lost = new Map<string, LostState>()
  /** Of tasks that were lost and are not restored since. */
  readonly #attempts = new Map<string, number>()
  /** What was read is being written: there is no reason to wait for records. */
  #isLoading = false

  constructor(options: RestorerOptions) {
    this.#options = options
    this.#positions = new LostPositions(topic => options.knownIdOf(topic))
    this.#engine = options.engine(this.#positions.hooks)
  }

  /** Starts to restore what is behind, or to follow. */
  async add(states: readonly TaskState[], signal: AbortSignal, options: AddOptions = {}): Promise<void> {
    const { isStandby = false, committedOf = () => undefined } = options
    // Inputs are followed by the active task alone: how far they may be read, it says by its commits.
    const isWanted = ({ isInput }: LoggedStore) => !(isStandby && isInput)
    const wanted = states.flatMap(state => state.logged.filter(isWanted).map(logged => ({ ...logged, state })))
    if (wanted.length === 0) return
    const found = await this.#lookUp(wanted, signal)
    const begun: Running[] = []
    for (const [i, one] of wanted.entries()) {
      const { start, end: last, topicId } = found[i]!
      const end = one.isInput ? Math.min(last, committedOf(one.changelog) ?? start) : last
      const position = this.#beginning(one, start, end, topicId)
      this.#positions.began(one.changelog, topicId)
      if (!isStandby && position >= end) one.state.restoredTo(one.store.name, position)
      else
        begun.push({
          ...one,
          end: isStandby ? Number.POSITIVE_INFINITY : end,
          position,
          restored: 0,
          hasCaughtUp: false,
        })
    }
    for (const running of begun) if (!this.#lost.has(running.state.taskId)) this.#begin(running)
    for (const { state } of wanted) if (!this.isRestoring(state.taskId)) this.#attempts.delete(state.taskId)
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
    this.#lost.delete(taskId)
    this.#follow()
  }

  /** Stores whose inputs were cut under the running task: what is in them may be gone from there. The state must be closed then. */
  empty(state: TaskState, isCut: (at: TopicPartition) => boolean): void {
    for (const logged of state.logged)
      if (logged.isInput && isCut(logged.changelog)) this.#wipe({ ...logged, state }, 'it was cut under its reader')
  }

  /** Tasks to be made anew, each told once; until then they are being restored. */
  takeLost(): LostState[] {
    const lost = [...this.#lost.values()]
    this.#lost.clear()
    return lost
  }

  get isIdle(): boolean {
    return this.#running.size === 0 && this.#lost.size === 0
  }

  isRestoring(taskId: string): boolean {
    return this.#byTask.has(taskId) || this.#lost.has(taskId)
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
    const batches = await this.#engine.poll(this.#isLoading ? 0 : maxMs, { maxRecords: takenAtOnce, signal })
    this.#loseWhatIsGone()
    const touched = new Set<TaskState>()
    for (const batch of batches) {
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

  /** Where the changelogs begin and end, and which topics they are: last, so that another one is not taken for it. */
  async #lookUp(wanted: readonly Wanted[], signal: AbortSignal) {
    const changelogs = wanted.map(({ changelog }) => changelog)
    try {
      const [starts, ends] = await Promise.all(
        (['earliest', 'latest'] as const).map(point => this.#options.offsetsFor(changelogs, point, { signal })),
      )
      const topics = [...new Set(changelogs.map(({ topic }) => topic))]
      const ids = new Map(
        await Promise.all(topics.map(async topic => [topic, await this.#options.topicIdOf(topic)] as const)),
      )
      return changelogs.map(({ topic }, i) => ({ start: starts![i] ?? 0, end: ends![i] ?? 0, topicId: ids.get(topic) }))
    } catch (cause) {
      signal.throwIfAborted()
      throw unreadable(wanted, cause)
    }
  }

  /** Where the store was left, or at the start of what there is; then nothing of it may be left. */
  #beginning(one: Wanted, start: number, end: number, topicId: string | undefined): number {
    const { state, store } = one
    if (topicId !== undefined && !state.belongsTo(store.name, topicId)) {
      this.#empty(one, 'the topic was deleted and made anew')
      return start
    }
    const position = state.position(store.name)
    if (position === undefined || position === 0) return start
    if (position >= start && position <= end) return position
    this.#empty(one, `it has offsets ${start} to ${end}, and the store was left at ${position}`)
    return start
  }

  #empty(one: Wanted, reason: string): void {
    if (!this.#wipe(one, reason)) this.#lose(one, reason)
  }

  /** Of what is read, what cannot be read on from where it is. */
  #loseWhatIsGone(): void {
    for (const running of [...this.#running.values()]) {
      const reason = this.#positions.reasonOf(running.changelog)
      if (reason === undefined || !this.#running.has(keyOf(running.changelog))) continue
      this.drop(running.state.taskId)
      this.#wipe(running, reason)
      this.#lose(running, reason)
    }
  }

  /** False: some of it is in memory. */
  #wipe(one: Wanted, reason: string): boolean {
    this.#options.onWiped?.(one, one.state.taskId, reason)
    return one.state.wipe(one.store.name)
  }

  #lose(one: Wanted, reason: string): void {
    const { taskId } = one.state
    const attempts = (this.#attempts.get(taskId) ?? 0) + 1
    this.#attempts.set(taskId, attempts)
    this.#lost.set(taskId, { taskId, attempts, error: cutAgain(one, attempts, reason) })
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
    for (const [, { state }] of restored) if (!this.isRestoring(state.taskId)) this.#attempts.delete(state.taskId)
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
    this.#attempts.delete(state.taskId)
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

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

function cutAgain({ state, store, changelog }: Wanted, attempts: number, reason: string): StreamsError {
  const { taskId } = state
  return new StreamsError(
    'RESTORATION',
    `Store '${store.name}' of task ${taskId} cannot be restored: its changelog ${nameOf(changelog)} was cut ${attempts} times while it was read, ` +
      `at last because ${reason}. Is its retention shorter than restoring takes?`,
    { ...changelog, taskId, node: store.name },
  )
}

function unreadable(wanted: readonly Wanted[], cause: unknown): unknown {
  const { topic } = cause as { topic?: string }
  const one = wanted.find(({ changelog }) => changelog.topic === topic)
  if (!one) return cause
  const { state, store, changelog } = one
  const { taskId } = state
  return new StreamsError(
    'RESTORATION',
    `Store '${store.name}' of task ${taskId} cannot be restored from ${nameOf(changelog)}: ${(cause as Error).message}`,
    { ...changelog, taskId, node: store.name, cause },
  )
}
