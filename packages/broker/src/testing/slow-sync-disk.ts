import { type Disk, type DiskFile, realDisk } from '@odradek/world'

/** The file system, where every sync of a file that is open for a log waits for `beforeSync` first. */
export function slowSyncDisk(beforeSync: (path: string) => Promise<void>): Disk {
  return { ...realDisk, open: async (path, mode) => new SlowSyncFile(await realDisk.open(path, mode), beforeSync) }
}

class SlowSyncFile implements DiskFile {
  readonly #file: DiskFile
  readonly #beforeSync: (path: string) => Promise<void>

  constructor(file: DiskFile, beforeSync: (path: string) => Promise<void>) {
    this.#file = file
    this.#beforeSync = beforeSync
  }

  get path(): string {
    return this.#file.path
  }

  get size(): number {
    return this.#file.size
  }

  async sync(): Promise<void> {
    await this.#beforeSync(this.path)
    await this.#file.sync()
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.#file.read(position, length)
  }

  write(position: number, chunks: readonly Uint8Array[]): void {
    this.#file.write(position, chunks)
  }

  truncate(size: number): void {
    this.#file.truncate(size)
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
