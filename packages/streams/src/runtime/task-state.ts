import type { TopicPartition } from '@odradek/client'
import { noHeaders } from '../record.ts'
import {
  type CacheBudget,
  type CurrentRecord,
  changelogOf,
  type StateStore,
  type StoreSpec,
  type TaskDisk,
} from '../state/state-store.ts'
import type { Changelog } from './producer-collector.ts'

export interface TaskStateOptions {
  readonly taskId: string
  readonly partition: number
  readonly applicationId: string
  readonly specs: readonly StoreSpec[]
  readonly defaultKind: 'memory' | 'disk'
  readonly cache: CacheBudget | null
  openDisk(taskId: string): TaskDisk | null
  changelog(at: TopicPartition): Changelog
}

/** A store with a changelog, and how far it has come. */
export interface LoggedStore {
  readonly store: StateStore
  readonly changelog: TopicPartition
}

const nobody: CurrentRecord = { headers: noHeaders, metadata: undefined }

/**
 * The stores of a task and what is known of their changelogs: the offset after the last change that is in them. A standby has one, and
 * hands it to the task that takes over.
 */
export class TaskState {
  readonly taskId: string
  readonly stores: ReadonlyMap<string, StateStore>
  readonly logged: readonly LoggedStore[]
  /** Of the record that is being processed; set by the task that has the state. */
  current: () => CurrentRecord = () => nobody
  readonly #disk: TaskDisk | null
  readonly #restored = new Map<string, number>()
  readonly #changelogs = new Map<string, Changelog>()

  constructor(options: TaskStateOptions) {
    const { taskId, partition, applicationId, specs, defaultKind, cache } = options
    this.taskId = taskId
    this.#disk = specs.length > 0 ? options.openDisk(taskId) : null
    const logged: LoggedStore[] = []
    this.stores = new Map(
      specs.map(spec => {
        const at = { topic: `${applicationId}-${changelogOf(spec)}`, partition }
        const changelog = spec.changelog && options.changelog(at)
        const current = () => this.current()
        const { log } = changelog ?? { log: null }
        const store = spec.make({ taskId, log, disk: this.#disk, defaultKind, cache, current })
        if (changelog) this.#changelogs.set(spec.name, changelog)
        if (changelog) logged.push({ store, changelog: at })
        return [spec.name, store]
      }),
    )
    this.logged = logged
  }

  /** Where to go on restoring; undefined: at the beginning. */
  position(store: string): number | undefined {
    return this.#restored.get(store) ?? this.#disk?.position(store)
  }

  restoredTo(store: string, position: number): void {
    this.#restored.set(store, position)
  }

  /** False: what was on disk came from another topic of that name, and is gone. */
  belongsTo(store: string, topicId: string): boolean {
    const isSame = this.#disk?.belongsTo(store, topicId) ?? true
    if (!isSame) this.#restored.delete(store)
    return isSame
  }

  /** So much is held back that it should be written. */
  get wantsCommit(): boolean {
    return this.#disk?.wantsCommit ?? false
  }

  /** Before the commit after restoring, until it is true: each call does a part of what that commit would have to do. */
  load(): boolean {
    return this.#disk?.load() ?? true
  }

  /** What is in the stores is the state of a commit that has succeeded, or of the changelogs alone. */
  commit(options?: { now?: boolean }): void {
    for (const [store, changelog] of this.#changelogs) {
      const { position } = changelog
      if (position !== undefined) this.#restored.set(store, position)
    }
    this.#disk?.commit(this.#restored, options)
  }

  /** The changelog does not go back to where a store was left. */
  wipe(store: string): void {
    this.#restored.delete(store)
    this.#disk?.wipe(store)
  }

  /** What was changed since the last commit is given up, here and on disk. */
  async close(): Promise<void> {
    this.#disk?.rollback()
    for (const store of this.stores.values()) store.close()
    await this.#disk?.close()
  }
}
