/**
 * A disk for when descriptors are short: what fails for want of one is tried once more, after those that can be done without were given
 * up. Whoever asks for more than that asks again later, alone.
 */
import type { Disk } from '@odradek/world'

/** `giveUp` closes what can be opened again. */
export function thriftyDisk(disk: Disk, giveUp: () => Promise<void>): Disk {
  async function thriftily<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      if (!isOutOfDescriptors(error)) throw error
      await giveUp()
      return run()
    }
  }
  return {
    open: (path, mode) => thriftily(() => disk.open(path, mode)),
    readFile: path => thriftily(() => disk.readFile(path)),
    list: folder => thriftily(() => disk.list(folder)),
    exists: path => disk.exists(path),
    makeFolder: path => disk.makeFolder(path),
    remove: path => thriftily(() => disk.remove(path)),
    rename: (from, to) => disk.rename(from, to),
    link: (from, to) => disk.link(from, to),
    isSameFile: (path, other) => disk.isSameFile(path, other),
    syncFolder: folder => thriftily(() => disk.syncFolder(folder)),
  }
}

/** Nothing was found out about the file, and nothing happened to it. */
export const isOutOfDescriptors = (error: unknown): boolean =>
  /^E[MN]FILE$/.test(String((error as NodeJS.ErrnoException).code))
