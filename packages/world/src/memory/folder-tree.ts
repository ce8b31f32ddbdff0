/**
 * Names: a tree of folders whose leaves are files of some kind. Changes go through `link` and `unlink`, so that a tree with a memory of
 * what is durable can listen.
 */
export interface Folder<File> {
  readonly entries: Map<string, Entry<File>>
}

export type Entry<File> = { readonly folder: Folder<File> } | { readonly file: File }

/** Told of each change of a name, before it is made. `moved`: the change is half of a rename; the other half is told next. */
export interface NameJournal<File> {
  changed(folder: Folder<File>, name: string, entry: Entry<File> | undefined): void
  renamed(
    from: { folder: Folder<File>; name: string },
    to: { folder: Folder<File>; name: string },
    entry: Entry<File>,
  ): void
}

export class FolderTree<File> {
  readonly root: Folder<File> = { entries: new Map() }
  readonly #journal: NameJournal<File> | undefined

  constructor(journal?: NameJournal<File>) {
    this.#journal = journal
  }

  find(path: string): Entry<File> | undefined {
    let entry: Entry<File> = { folder: this.root }
    for (const name of namesOf(path)) {
      if (!('folder' in entry)) return undefined
      const next = entry.folder.entries.get(name)
      if (next === undefined) return undefined
      entry = next
    }
    return entry
  }

  file(path: string): File {
    const entry = this.find(path)
    if (entry === undefined) throw systemError('ENOENT', 'no such file', path)
    if ('folder' in entry) throw systemError('EISDIR', 'is a folder', path)
    return entry.file
  }

  folder(path: string): Folder<File> {
    const entry = this.find(path)
    if (entry === undefined) throw systemError('ENOENT', 'no such folder', path)
    if ('file' in entry) throw systemError('ENOTDIR', 'is not a folder', path)
    return entry.folder
  }

  addFile(path: string, file: File): void {
    const { folder, name } = this.#place(path)
    this.#set(folder, name, { file })
  }

  makeFolder(path: string): void {
    let folder = this.root
    for (const name of namesOf(path)) {
      const next = folder.entries.get(name)
      if (next !== undefined && 'file' in next) throw systemError('ENOTDIR', 'is not a folder', path)
      const made = next ?? { folder: { entries: new Map<string, Entry<File>>() } }
      if (next === undefined) this.#set(folder, name, made)
      folder = made.folder
    }
  }

  /** Children first, one after the other, as a system does it. Gives the files that are gone. */
  remove(path: string): File[] {
    const entry = this.find(path)
    if (entry === undefined) return []
    const { folder, name } = this.#place(path)
    return this.#removeEntry(folder, name, entry)
  }

  rename(from: string, to: string): void {
    const entry = this.find(from)
    if (entry === undefined) throw systemError('ENOENT', 'no such file or folder', from)
    const source = this.#place(from)
    const target = this.#place(to)
    const replaced = target.folder.entries.get(target.name)
    if (replaced !== undefined && 'folder' in replaced && replaced.folder.entries.size > 0)
      throw systemError('ENOTEMPTY', 'the folder is not empty', to)
    this.#journal?.renamed(source, target, entry)
    source.folder.entries.delete(source.name)
    target.folder.entries.set(target.name, entry)
  }

  /** Two names, one file. */
  link(from: string, to: string): void {
    const entry = this.find(from)
    if (entry === undefined) throw systemError('ENOENT', 'no such file', from)
    if ('folder' in entry) throw systemError('EPERM', 'a folder has one name', from)
    const { folder, name } = this.#place(to)
    if (folder.entries.has(name)) throw systemError('EEXIST', 'the name is taken', to)
    this.#set(folder, name, { file: entry.file })
  }

  isSameFile(path: string, other: string): boolean {
    const [a, b] = [this.find(path), this.find(other)]
    return a !== undefined && b !== undefined && 'file' in a && 'file' in b && a.file === b.file
  }

  #removeEntry(folder: Folder<File>, name: string, entry: Entry<File>): File[] {
    const gone =
      'file' in entry
        ? [entry.file]
        : [...entry.folder.entries].flatMap(([child, below]) => this.#removeEntry(entry.folder, child, below))
    this.#journal?.changed(folder, name, undefined)
    folder.entries.delete(name)
    return gone
  }

  #set(folder: Folder<File>, name: string, entry: Entry<File>): void {
    this.#journal?.changed(folder, name, entry)
    folder.entries.set(name, entry)
  }

  #place(path: string): { folder: Folder<File>; name: string } {
    const names = namesOf(path)
    const name = names.pop()
    if (name === undefined) throw systemError('EBUSY', 'the root cannot be replaced', path)
    return { folder: this.folder(`/${names.join('/')}`), name }
  }
}

/** An error as Node gives it: decisions go by `code`. */
export function systemError(code: string, why: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${why}, '${path}'`), { code, path })
}

function namesOf(path: string): string[] {
  return path.split('/').filter(name => name !== '' && name !== '.')
}
