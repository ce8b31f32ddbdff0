/**
 * A disk that tells each step of compaction on it, before and after: what is done to `.cleaned` and `.swap` files and to `cleaned-offset`,
 * and the removal of what they replace. Whoever is told may end the process there. Of a write, also half is done before it is told.
 */
import type { Disk, DiskFile } from '@odradek/world'

export function stepDisk(disk: Disk, step: (name: string) => void): Disk {
  const around = async <T>(name: string | undefined, act: () => Promise<T>): Promise<T> => {
    if (name === undefined) return act()
    step(`before ${name}`)
    const result = await act()
    step(`after ${name}`)
    return result
  }
  const removal = (path: string) => {
    const replaced = /\.(log|index|quarantine|snapshot)$/.exec(path)?.[1]
    return kindOf(path) ?? replaced
  }
  return {
    ...disk,
    open: async (path, mode) => {
      const kind = mode === 'existing' || mode === 'read' ? undefined : kindOf(path)
      const file = await around(kind && `making ${kind}`, () => disk.open(path, mode))
      return kindOf(path) === undefined ? file : new StepFile(file, kindOf(path)!, step, around)
    },
    rename: (from, to) => {
      const kind = kindOf(from) ?? kindOf(to)
      return around(kind && `renaming ${kind}`, () => disk.rename(from, to))
    },
    remove: path => {
      const kind = removal(path)
      return around(kind && `removing ${kind}`, () => disk.remove(path))
    },
    syncFolder: folder =>
      around(/-\d+$/.test(folder) ? 'syncing the folder' : undefined, () => disk.syncFolder(folder)),
  }
}

function kindOf(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (name.endsWith('.cleaned')) return '.cleaned'
  if (name.endsWith('.swap')) return '.swap'
  return name.startsWith('cleaned-offset') ? 'cleaned-offset' : undefined
}

type Around = <T>(name: string, act: () => Promise<T>) => Promise<T>

class StepFile implements DiskFile {
  readonly #file: DiskFile
  readonly #kind: string
  readonly #step: (name: string) => void
  readonly #around: Around

  constructor(file: DiskFile, kind: string, step: (name: string) => void, around: Around) {
    this.#file = file
    this.#kind = kind
    this.#step = step
    this.#around = around
  }

  get path(): string {
    return this.#file.path
  }

  get size(): number {
    return this.#file.size
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.#file.read(position, length)
  }

  write(position: number, chunks: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(chunks)
    const half = bytes.length >> 1
    this.#step(`before writing ${this.#kind}`)
    this.#file.write(position, [bytes.subarray(0, half)])
    this.#step(`half of writing ${this.#kind}`)
    this.#file.write(position + half, [bytes.subarray(half)])
    this.#step(`after writing ${this.#kind}`)
  }

  truncate(size: number): void {
    this.#file.truncate(size)
  }

  sync(): Promise<void> {
    return this.#around(`syncing ${this.#kind}`, () => this.#file.sync())
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
