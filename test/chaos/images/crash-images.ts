/**
 * What a disk may hold after the power failed at some moment of its journal: all that was durable by then, and of the rest whatever the
 * disk had got to.
 *
 *     durable by a completed sync │ pending: each write kept, lost, or torn into sectors of 512 bytes; each folder's names as they
 *                                 │ were at some moment since they were synced
 *
 * Moments are visited in order, so the durable part is carried along and never computed anew.
 */
import { type Disk, memoryDisk, type Random } from '@odradek/world'
import { type Child, type JournalEntry, rootFolder } from './disk-journal.ts'

/** `lost`, `kept`: all that is pending. `prefix`: of each file and folder, what came first. `torn`: any of it, in any order. */
export type Fate = 'lost' | 'kept' | 'prefix' | 'torn'
export const fates: readonly Fate[] = ['lost', 'kept', 'prefix', 'torn']

type Change = Extract<JournalEntry<unknown>, { kind: 'write' | 'truncate' }>
type Naming = Extract<JournalEntry<unknown>, { kind: 'names' }>

interface Pending<C> {
  readonly at: number
  readonly change: C
}

interface FileState {
  durable: Buffer
  pending: Pending<Change>[]
}

interface FolderState {
  readonly durable: Map<string, Child>
  pending: Pending<Naming>[]
}

const sectorBytes = 512

export class CrashImages<Note> {
  readonly #journal: readonly JournalEntry<Note>[]
  readonly #files = new Map<number, FileState>()
  readonly #folders = new Map<number, FolderState>()
  #at = 0

  constructor(journal: readonly JournalEntry<Note>[]) {
    this.#journal = journal
  }

  /** The moment after so many entries. Only forward. */
  advance(to: number): void {
    for (; this.#at < to; this.#at++) this.#take(this.#journal[this.#at]!)
  }

  /** What the disk may hold now. */
  async image(fate: Fate, random: Random): Promise<Disk> {
    const disk = memoryDisk()
    await this.#fill(disk, rootFolder, '', fate, random)
    return disk
  }

  #take(entry: JournalEntry<Note>): void {
    if (entry.kind === 'write' || entry.kind === 'truncate')
      this.#file(entry.file).pending.push({ at: this.#at, change: entry })
    else if (entry.kind === 'names') this.#folder(entry.folder).pending.push({ at: this.#at, change: entry })
    else if (entry.kind === 'synced') {
      const file = this.#file(entry.file)
      file.durable = contentOf(
        file.durable,
        file.pending.filter(({ at }) => at < entry.covers).map(({ change }) => change),
      )
      file.pending = file.pending.filter(({ at }) => at >= entry.covers)
    } else if (entry.kind === 'names-synced') {
      const folder = this.#folder(entry.folder)
      for (const { at, change } of folder.pending) if (at < entry.covers) rename(folder.durable, change)
      folder.pending = folder.pending.filter(({ at }) => at >= entry.covers)
    }
  }

  async #fill(disk: Disk, id: number, path: string, fate: Fate, random: Random): Promise<void> {
    const { durable, pending } = this.#folder(id)
    const names = new Map(durable)
    for (const { change } of pending.slice(0, reached(pending.length, fate, random))) rename(names, change)
    for (const [name, child] of names) {
      const inside = `${path}/${name}`
      if (child.isFolder) {
        await disk.makeFolder(inside)
        await this.#fill(disk, child.id, inside, fate, random)
      } else {
        const file = await disk.open(inside, 'create')
        file.write(0, [this.#content(child.id, fate, random)])
        await file.close()
      }
    }
  }

  #content(id: number, fate: Fate, random: Random): Buffer {
    const { durable, pending } = this.#file(id)
    const changes = pending.map(({ change }) => change)
    if (fate !== 'torn') return contentOf(durable, changes.slice(0, reached(changes.length, fate, random)))
    return contentOf(
      durable,
      changes.flatMap(change => torn(change, random)),
    )
  }

  #file(id: number): FileState {
    const found = this.#files.get(id) ?? { durable: Buffer.alloc(0), pending: [] }
    this.#files.set(id, found)
    return found
  }

  #folder(id: number): FolderState {
    const found = this.#folders.get(id) ?? { durable: new Map(), pending: [] }
    this.#folders.set(id, found)
    return found
  }
}

function reached(count: number, fate: Fate, random: Random): number {
  if (fate === 'lost') return 0
  return fate === 'kept' ? count : random.int(count + 1)
}

function rename(names: Map<string, Child>, { set }: Naming): void {
  for (const [name, child] of set) {
    if (child === null) names.delete(name)
    else names.set(name, child)
  }
}

function contentOf(durable: Buffer, changes: readonly Change[]): Buffer {
  if (changes.length === 0) return durable
  let size = durable.length
  let most = size
  for (const change of changes) {
    size = change.kind === 'truncate' ? change.size : Math.max(size, change.position + change.bytes.length)
    most = Math.max(most, size)
  }
  const content = Buffer.alloc(most)
  content.set(durable)
  let end = durable.length
  for (const change of changes) {
    if (change.kind === 'write') {
      content.set(change.bytes, change.position)
      end = Math.max(end, change.position + change.bytes.length)
    } else {
      content.fill(0, Math.min(change.size, end), end)
      end = change.size
    }
  }
  return content.subarray(0, size)
}

/** A third is lost, a third kept, a third torn: of each sector the disk had written it or not. */
function torn(change: Change, random: Random): Change[] {
  const fate = random.int(3)
  if (fate === 0) return []
  if (fate === 1 || change.kind === 'truncate') return [change]
  const kept: Change[] = []
  const end = change.position + change.bytes.length
  for (let at = change.position; at < end; ) {
    const next = Math.min(end, (Math.floor(at / sectorBytes) + 1) * sectorBytes)
    if (random.int(2) === 0)
      kept.push({ ...change, position: at, bytes: change.bytes.subarray(at - change.position, next - change.position) })
    at = next
  }
  return kept
}
