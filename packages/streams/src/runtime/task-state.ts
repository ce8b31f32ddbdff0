import type { OffsetToCommit, TopicPartition } from '@odradek/client'
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
  /** The topic that a store is filled from and that is its changelog, too; undefined: it has one of its own, if any. */
  inputOf?(store: string): string | undefined
  openDisk(taskId: string): TaskDisk | null
  changelog(at: TopicPartition): Changelog
}

/** A store with a changelog, and how far it has come. */
export interface LoggedStore {
  readonly store: StateStore
  readonly changelog: TopicPartition
  /** The changelog is an input of the task: it is at what was committed of it. */
  readonly isInput?: boolean
}

const nobody: CurrentRecord = { headers: noHeaders, metadata: undefined }

/**
 * The stores of a task and what is known of their changelogs: the offset after the last change that is in them. A standby has one, and
 * hands it to the task that takes over. A state that was filled with what turns out to be of no use is not mended: it is closed, and made
 * anew.
 */
export class TaskState {
  readonly taskId: string
  readonly stores: ReadonlyMap<string, StateStore>
  readonly logged: readonly LoggedStore[]
  /** Of the record that is being processed; set by the task that has the state. */
  current: () => CurrentRecord = () => nobody
  readonly #disk: TaskDisk | null
  readonly #restored = new Map<string, number>()
  /** Which topics the changelogs were when they were looked at. */
  readonly #topicIds = new Map<string, string>()
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
        const input = options.inputOf?.(spec.name)
        if (input !== undefined) logged.push({ store, changelog: { topic: input, partition }, isInput: true })
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

  /** False: what is here came from another topic of that name. */
  belongsTo(store: string, topicId: string): boolean {
    const before = this.#topicIds.get(store) ?? topicId
    this.#topicIds.set(store, topicId)
    const isOnDisk = this.#disk?.belongsTo(store, topicId) ?? true
    return isOnDisk && before === topicId
  }

  /** Will be processed before long. */
  expect(records: readonly { readonly key: Uint8Array | null }[]): void {
    this.#disk?.expect(records)
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
  commit(options: { now?: boolean; inputs?: readonly OffsetToCommit[] } = {}): void {
    for (const { store, changelog, isInput } of this.logged) {
      const read = isInput && options.inputs?.find(({ topic }) => topic === changelog.topic)
      if (read) this.#restored.set(store.name, read.offset)
    }
    for (const [store, changelog] of this.#changelogs) {
      const { position } = changelog
      if (position !== undefined) this.#restored.set(store, position)
    }
    this.#disk?.commit(this.#restored, options)
  }

  /** The changelog has nothing to do with what is in a store. False: some of that is in memory, and this state must be closed. */
  wipe(store: string): boolean {
    const isFilled = this.#restored.delete(store)
    this.#disk?.wipe(store)
    return !isFilled
  }

  /** What was changed since the last commit is given up, here and on disk. */
  async close(): Promise<void> {
    this.#disk?.rollback()
    for (const store of this.stores.values()) store.close()
    await this.#disk?.close()
  }
}
