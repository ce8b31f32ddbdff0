/**
 * A disk for looking at what another one can hardly read: a block that cannot be read is read as zeroes, which are damage to whoever
 * looks at them, so that one bad sector hides nothing but itself.
 *
 *     asked   [ block │ block │ bad │ block ]  read together: EIO, then block by block
 *     given   [ bytes   bytes   0…0   bytes ]
 */
import type { Disk, DiskFile } from '@odradek/world'

const blockSize = 4096

/** Told once of each place, in the order they are come upon. A folder in the place of a file is told as byte 0. */
export type OnUnreadable = (path: string, byte: number) => void

export function aroundBadSectors(disk: Disk, onUnreadable: OnUnreadable): Disk {
  const told = new Set<string>()
  const tell = (path: string, byte: number): void => {
    if (told.has(`${path}:${byte}`)) return
    told.add(`${path}:${byte}`)
    onUnreadable(path, byte)
  }
  const open: Disk['open'] = async (path, mode) => around(await disk.open(path, mode), tell)
  return {
    open,
    readFile: path => disk.readFile(path).catch(error => readAround(path, error, open, tell)),
    list: folder => disk.list(folder),
    exists: path => disk.exists(path),
    makeFolder: path => disk.makeFolder(path),
    remove: path => disk.remove(path),
    rename: (from, to) => disk.rename(from, to),
    link: (from, to) => disk.link(from, to),
    isSameFile: (path, other) => disk.isSameFile(path, other),
    syncFolder: folder => disk.syncFolder(folder),
  }
}

async function readAround(
  path: string,
  error: NodeJS.ErrnoException,
  open: Disk['open'],
  tell: OnUnreadable,
): Promise<Uint8Array> {
  if (error.code === 'EISDIR') {
    tell(path, 0)
    return new Uint8Array()
  }
  if (error.code !== 'EIO') throw error
  const file = await open(path, 'read')
  try {
    return await file.read(0, file.size)
  } finally {
    await file.close()
  }
}

function around(file: DiskFile, tell: OnUnreadable): DiskFile {
  return {
    path: file.path,
    get size() {
      return file.size
    },
    read: async (position, length, into) => {
      try {
        return await file.read(position, length, into)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error
        return blockByBlock(file, position, length, tell)
      }
    },
    write: (position, chunks) => file.write(position, chunks),
    truncate: size => file.truncate(size),
    sync: () => file.sync(),
    close: () => file.close(),
  }
}

async function blockByBlock(file: DiskFile, position: number, length: number, tell: OnUnreadable): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, Math.min(length, file.size - position)))
  for (let at = position; at < position + bytes.length; ) {
    const end = Math.min(position + bytes.length, at - (at % blockSize) + blockSize)
    try {
      bytes.set(await file.read(at, end - at), at - position)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error
      tell(file.path, at - (at % blockSize))
    }
    at = end
  }
  return bytes
}
