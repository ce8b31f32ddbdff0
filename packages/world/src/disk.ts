/**
 * A disk: folders of files, where a write is not durable before `sync`, and a created or renamed name not before `syncDir` of its folder.
 *
 * Writes are synchronous on purpose. They go to the page cache, which takes a few microseconds; handing them to a thread pool costs
 * more than they do, and an append that completes at once keeps a log's decisions free of interleaving. `sync` and reads wait.
 *
 * Failures are Node's: an `Error` with `code` ('ENOSPC', 'EIO', 'ENOENT', 'EACCES', …). Paths are absolute, separated by '/'.
 */
export interface Disk {
  /**
   * Opens for reading and writing. `existing`: ENOENT when missing; `create`: made when missing; `fresh`: made, emptied when it exists.
   * `read` opens an existing file for reading alone, which a disk that must not be written allows; writing to it is EBADF.
   */
  open(path: string, mode: 'existing' | 'create' | 'fresh' | 'read'): Promise<DiskFile>
  /** Whole content of a small file; ENOENT when missing. */
  readFile(path: string): Promise<Uint8Array>
  /** Names in a folder, sorted; ENOENT when missing. */
  list(folder: string): Promise<string[]>
  exists(path: string): Promise<boolean>
  /** Makes a folder and its missing parents. */
  makeFolder(path: string): Promise<void>
  /** Removes a file, or a folder with all it holds. Harmless when missing. */
  remove(path: string): Promise<void>
  /** Replaces `to` when it exists. */
  rename(from: string, to: string): Promise<void>
  /**
   * A second name for a file: the same bytes, until both are removed. Durable after `syncFolder`, as a created name is. EEXIST when `to`
   * is taken, EXDEV where the two lie on different file systems, EPERM for folders and where the file system knows no links.
   */
  link(from: string, to: string): Promise<void>
  /** Whether two names are of one file, as `link` makes them. False when either is missing. */
  isSameFile(path: string, other: string): Promise<boolean>
  /** Makes creations, links, renames and removals of names in `folder` durable. */
  syncFolder(folder: string): Promise<void>
}

export interface DiskFile {
  readonly path: string
  /** Bytes in the file as this process sees it, synced or not. */
  readonly size: number
  /**
   * Up to `length` bytes from `position`; fewer at the end of the file. They may stand in `into`, at its beginning: for whoever goes
   * through large files a piece after the other, and needs each only until the next.
   */
  read(position: number, length: number, into?: Uint8Array): Promise<Uint8Array>
  /** Writes the chunks one after the other from `position`. Throws when the disk fails; what was written by then is unspecified. */
  write(position: number, chunks: readonly Uint8Array[]): void
  /** Cuts the file. Durable after the next `sync`. */
  truncate(size: number): void
  /** Resolves when everything written before the call is durable. Once it has failed, nothing about this file may be trusted. */
  sync(): Promise<void>
  /** Closes without syncing. */
  close(): Promise<void>
}
