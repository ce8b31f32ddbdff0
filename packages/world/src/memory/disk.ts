import type { Disk, DiskFile } from '../disk.ts'
import { type Entry, FolderTree, systemError } from './folder-tree.ts'
import { Pages } from './pages.ts'

/** A disk that lives as long as this object: no faults, no latency, nothing to sync. */
export function memoryDisk(): Disk {
  const tree = new FolderTree<Pages>()
  return {
    async open(path, mode) {
      const found: Entry<Pages> | undefined = tree.find(path)
      if (found === undefined && (mode === 'create' || mode === 'fresh')) tree.addFile(path, new Pages())
      const pages = tree.file(path)
      if (mode === 'fresh') pages.truncate(0)
      return new MemoryFile(path, pages, mode === 'read')
    },
    async readFile(path) {
      const pages = tree.file(path)
      return pages.read(0, pages.size)
    },
    list: async folder => [...tree.folder(folder).entries.keys()].sort(),
    exists: async path => tree.find(path) !== undefined,
    makeFolder: async path => tree.makeFolder(path),
    remove: async path => {
      tree.remove(path)
    },
    rename: async (from, to) => tree.rename(from, to),
    link: async (from, to) => tree.link(from, to),
    isSameFile: async (path, other) => tree.isSameFile(path, other),
    syncFolder: async folder => {
      tree.folder(folder)
    },
  }
}

class MemoryFile implements DiskFile {
  readonly path: string
  readonly #pages: Pages
  readonly #isReadOnly: boolean
  #open = true

  constructor(path: string, pages: Pages, isReadOnly: boolean) {
    this.path = path
    this.#pages = pages
    this.#isReadOnly = isReadOnly
  }

  get size(): number {
    return this.#pages.size
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    this.#checkOpen()
    return this.#pages.read(position, length)
  }

  write(position: number, chunks: readonly Uint8Array[]): void {
    this.#checkWritable()
    let at = position
    for (const chunk of chunks) {
      this.#pages.write(at, chunk)
      at += chunk.length
    }
  }

  truncate(size: number): void {
    this.#checkWritable()
    this.#pages.truncate(size)
  }

  async sync(): Promise<void> {
    this.#checkOpen()
  }

  async close(): Promise<void> {
    this.#open = false
  }

  #checkWritable(): void {
    this.#checkOpen()
    if (this.#isReadOnly) throw systemError('EBADF', 'the file was opened for reading', this.path)
  }

  #checkOpen(): void {
    if (!this.#open) throw systemError('EBADF', 'the file is closed', this.path)
  }
}
