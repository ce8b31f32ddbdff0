/** A disk whose k-th operation fails: just before it, or just after; the power may fail with it. */
import type { Disk, DiskFile } from '@odradek/world'

export interface Interruption {
  /** Operations are counted from when it is armed; none before. */
  isArmed: boolean
  count: number
  readonly at: number
  readonly isAfter: boolean
  /** Operations that change nothing count, too. */
  readonly countsReads?: boolean
  readonly crash?: () => void
}

export function interruptedDisk(disk: Disk, interruption: Interruption): Disk {
  const interrupted =
    <A extends unknown[], T>(act: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      const isLast = interruption.isArmed && ++interruption.count === interruption.at
      if (isLast && !interruption.isAfter) return fail(interruption)
      const result = await act(...args)
      return isLast ? fail(interruption) : result
    }
  const readOnly = <A extends unknown[], T>(act: (...args: A) => Promise<T>) =>
    interruption.countsReads === true ? interrupted(act) : act
  const fileOf = (file: DiskFile): DiskFile => ({
    path: file.path,
    get size() {
      return file.size
    },
    read: readOnly((position, length) => file.read(position, length)),
    write: (position, chunks) => {
      const isLast = interruption.isArmed && ++interruption.count === interruption.at
      if (isLast && !interruption.isAfter) fail(interruption)
      file.write(position, chunks)
      if (isLast) fail(interruption)
    },
    truncate: size => file.truncate(size),
    sync: interrupted(() => file.sync()),
    close: readOnly(() => file.close()),
  })
  return {
    ...disk,
    open: (path, mode) => {
      const open = () => disk.open(path, mode).then(fileOf)
      return mode === 'fresh' || mode === 'create' ? interrupted(open)() : readOnly(open)()
    },
    readFile: readOnly(path => disk.readFile(path)),
    list: readOnly(folder => disk.list(folder)),
    remove: interrupted(path => disk.remove(path)),
    rename: interrupted((from, to) => disk.rename(from, to)),
    syncFolder: interrupted(folder => disk.syncFolder(folder)),
  }
}

function fail({ crash }: Interruption): never {
  crash?.()
  throw Object.assign(new Error('EIO: this far, and no further'), { code: 'EIO' })
}
