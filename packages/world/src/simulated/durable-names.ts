/**
 * Which names in which folders would survive a crash: those of the last `sync` of the folder, then as many of the changes since as the
 * seed allows, in the order made. A rename within a folder is one change. Of a rename between folders the removal never survives
 * without the addition.
 */
import type { Entry, Folder, NameJournal } from '../memory/folder-tree.ts'
import type { SeededRandom } from './random.ts'
import type { Fate } from './simulated-file.ts'

type Names<File> = Map<string, Entry<File>>

/** Names to set, or to remove where there is no entry. */
interface NameChange<File> {
  sets: { folder: Folder<File>; name: string; entry: Entry<File> | undefined }[]
}

interface FolderState<File> {
  durable: Names<File>
  pending: NameChange<File>[]
}

export class DurableNames<File> implements NameJournal<File> {
  readonly #folders = new Map<Folder<File>, FolderState<File>>()

  changed(folder: Folder<File>, name: string, entry: Entry<File> | undefined): void {
    this.#state(folder).pending.push({ sets: [{ folder, name, entry }] })
  }

  renamed(
    from: { folder: Folder<File>; name: string },
    to: { folder: Folder<File>; name: string },
    entry: Entry<File>,
  ): void {
    const added = { ...to, entry }
    this.#state(from.folder).pending.push({ sets: [added, { ...from, entry: undefined }] })
    if (to.folder !== from.folder) this.#state(to.folder).pending.push({ sets: [added] })
  }

  /** Starts a sync of the changes made so far; call the result when it has ended well. */
  beginSync(folder: Folder<File>): () => void {
    const state = this.#state(folder)
    const covered = [...state.pending]
    return () => {
      // A later sync that ended sooner has settled some of them, and what came after them.
      for (const change of covered) if (state.pending.includes(change)) this.#settle(change)
      state.pending = state.pending.filter(change => !covered.includes(change))
    }
  }

  crash(random: SeededRandom, fate: Exclude<Fate, 'kept'>): void {
    for (const { pending } of this.#folders.values()) {
      const kept = fate === 'lost' ? 0 : random.int(pending.length + 1)
      for (const change of pending.slice(0, kept)) this.#settle(change)
    }
    for (const [folder, state] of this.#folders) {
      state.pending = []
      folder.entries.clear()
      for (const [name, entry] of state.durable) folder.entries.set(name, entry)
    }
  }

  #settle(change: NameChange<File>): void {
    for (const { folder, name, entry } of change.sets) {
      const { durable } = this.#state(folder)
      if (entry) durable.set(name, entry)
      else durable.delete(name)
    }
  }

  #state(folder: Folder<File>): FolderState<File> {
    let state = this.#folders.get(folder)
    if (state === undefined) {
      state = { durable: new Map(folder.entries), pending: [] }
      this.#folders.set(folder, state)
    }
    return state
  }
}
