/**
 * A disk in memory that keeps a journal of all that is done to it. Syncs take a while, drawn from a seed, so that a program has writes
 * under way that no sync covers yet.
 */
import { type Clock, type Disk, type DiskFile, memoryDisk, type Random, sleep } from '@odradek/world'
import { type Child, type JournalEntry, rootFolder } from './disk-journal.ts'

interface Node extends Child {
  readonly entries: Map<string, Node>
}

export class RecordingDisk<Note> implements Disk {
  readonly journal: JournalEntry<Note>[] = []
  readonly #inner: Disk = memoryDisk()
  readonly #clock: Clock
  readonly #random: Random
  readonly #root: Node = { id: rootFolder, isFolder: true, entries: new Map() }
  #lastId = rootFolder

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** From now on somebody has been told this. */
  note(note: Note): void {
    this.journal.push({ kind: 'note', note })
  }

  async open(path: string, mode: 'existing' | 'create' | 'fresh' | 'read'): Promise<DiskFile> {
    const file = await this.#inner.open(path, mode)
    const { folder, name } = this.#place(path)
    const found = folder.entries.get(name)
    if (found && mode === 'fresh') this.journal.push({ kind: 'truncate', file: found.id, size: 0 })
    if (!found) this.#set(folder, [[name, this.#node(false)]])
    return new RecordedFile(file, folder.entries.get(name)!.id, this.journal, () => this.#syncing())
  }

  async makeFolder(path: string): Promise<void> {
    await this.#inner.makeFolder(path)
    let folder = this.#root
    for (const name of path.split('/').filter(part => part !== '')) {
      if (!folder.entries.has(name)) this.#set(folder, [[name, this.#node(true)]])
      folder = folder.entries.get(name)!
    }
  }

  async remove(path: string): Promise<void> {
    await this.#inner.remove(path)
    const { folder, name } = this.#place(path)
    const node = folder.entries.get(name)
    if (!node) return
    this.#empty(node)
    this.#set(folder, [[name, null]])
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#inner.rename(from, to)
    const [source, target] = [this.#place(from), this.#place(to)]
    const node = source.folder.entries.get(source.name)!
    const isSame = source.folder === target.folder
    this.#set(target.folder, [[target.name, node], ...(isSame ? [[source.name, null] as const] : [])])
    if (!isSame) this.#set(source.folder, [[source.name, null]])
  }

  async link(from: string, to: string): Promise<void> {
    await this.#inner.link(from, to)
    const [source, target] = [this.#place(from), this.#place(to)]
    this.#set(target.folder, [[target.name, source.folder.entries.get(source.name)!]])
  }

  async syncFolder(path: string): Promise<void> {
    const covers = this.journal.length
    await this.#syncing()
    await this.#inner.syncFolder(path)
    const { folder, name } = this.#place(path)
    const { id } = name === '' ? folder : folder.entries.get(name)!
    this.journal.push({ kind: 'names-synced', folder: id, covers })
  }

  readFile = (path: string): Promise<Uint8Array> => this.#inner.readFile(path)
  list = (folder: string): Promise<string[]> => this.#inner.list(folder)
  exists = (path: string): Promise<boolean> => this.#inner.exists(path)
  isSameFile = (path: string, other: string): Promise<boolean> => this.#inner.isSameFile(path, other)

  #syncing(): Promise<void> {
    return sleep(this.#clock, 0.1 + 4 * this.#random.next())
  }

  #node(isFolder: boolean): Node {
    return { id: ++this.#lastId, isFolder, entries: new Map() }
  }

  /** The folder that a path is in, and its name there; the root is nameless in itself. */
  #place(path: string): { folder: Node; name: string } {
    const names = path.split('/').filter(part => part !== '')
    const name = names.pop() ?? ''
    let folder = this.#root
    for (const each of names) folder = folder.entries.get(each)!
    return { folder, name }
  }

  #empty(folder: Node): void {
    for (const [name, child] of [...folder.entries]) {
      this.#empty(child)
      this.#set(folder, [[name, null]])
    }
  }

  #set(folder: Node, changes: readonly (readonly [string, Node | null])[]): void {
    for (const [name, node] of changes) {
      if (node === null) folder.entries.delete(name)
      else folder.entries.set(name, node)
    }
    const set = changes.map(([name, node]) => [name, node && { id: node.id, isFolder: node.isFolder }] as const)
    this.journal.push({ kind: 'names', folder: folder.id, set })
  }
}

class RecordedFile implements DiskFile {
  readonly #inner: DiskFile
  readonly #id: number
  readonly #journal: JournalEntry<unknown>[]
  readonly #syncing: () => Promise<void>

  constructor(inner: DiskFile, id: number, journal: JournalEntry<unknown>[], syncing: () => Promise<void>) {
    this.#inner = inner
    this.#id = id
    this.#journal = journal
    this.#syncing = syncing
  }

  get path(): string {
    return this.#inner.path
  }

  get size(): number {
    return this.#inner.size
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.#inner.read(position, length)
  }

  write(position: number, chunks: readonly Uint8Array[]): void {
    this.#inner.write(position, chunks)
    this.#journal.push({ kind: 'write', file: this.#id, position, bytes: Buffer.concat(chunks) })
  }

  truncate(size: number): void {
    this.#inner.truncate(size)
    this.#journal.push({ kind: 'truncate', file: this.#id, size })
  }

  async sync(): Promise<void> {
    const covers = this.#journal.length
    await this.#syncing()
    await this.#inner.sync()
    this.#journal.push({ kind: 'synced', file: this.#id, covers })
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}
