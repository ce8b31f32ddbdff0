/** Small files that are written and read as a whole. */
import type { Disk } from '@odradek/world'
import { durably } from '../sync/sync-failure.ts'

/** Replaces the content. Not atomic: what is written carries a checksum, or is not looked at before it is known to be complete. */
export async function writeFile(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  options: { sync: boolean },
): Promise<void> {
  const file = await disk.open(path, 'fresh')
  try {
    file.write(0, [bytes])
    if (options.sync) await durably(file.sync())
  } finally {
    await file.close()
  }
}

/** Undefined when there is no such file. */
export function readFileIfThere(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  return disk.readFile(path).catch(ifMissing(undefined))
}

/** Undefined also when the file cannot be read: for what can be made again, that is as good as damaged. */
export function readFileIfReadable(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  return readFileIfThere(disk, path).catch(ifUnreadable(undefined))
}

/** Names in a folder; none when there is no such folder. */
export function listIfThere(disk: Disk, folder: string): Promise<string[]> {
  return disk.list(folder).catch(ifMissing([]))
}

export const parentFolder = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')))

/** Handles a bad sector, and a folder of this name or a file in the place of its folder. */
export function ifUnreadable<T>(instead: T): (error: NodeJS.ErrnoException) => T {
  return error => {
    if (error.code === 'EIO' || error.code === 'EISDIR' || error.code === 'ENOTDIR') return instead
    throw error
  }
}

/** Handles ENOENT, and nothing else. */
export function ifMissing<T>(instead: T): (error: NodeJS.ErrnoException) => T {
  return error => {
    if (error.code === 'ENOENT') return instead
    throw error
  }
}
