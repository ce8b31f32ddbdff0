/**
 * Room for one start on a full disk: a file that is there to be removed. A start must write (the leader epoch is raised, durably), and
 * a broker that cannot start cannot even serve what it has, or delete a topic to make room.
 */
import type { Disk } from '@odradek/world'

const name = 'metadata.reserve'
/** For SQLite's journal and a line of the log, and a file to give up where it is files that are short. */
const bytes = 64 * 1024

/** Returns whether there was any. */
export async function releaseReserve(disk: Disk, folder: string): Promise<boolean> {
  const path = `${folder}/${name}`
  if (!(await disk.exists(path))) return false
  return disk.remove(path).then(
    () => true,
    () => false,
  )
}

/** When there is room; otherwise a later start does it. */
export async function keepReserve(disk: Disk, folder: string): Promise<void> {
  const path = `${folder}/${name}`
  if (await disk.exists(path)) return
  try {
    const file = await disk.open(path, 'fresh')
    try {
      file.write(0, [new Uint8Array(bytes).fill(0x5a)])
    } finally {
      await file.close()
    }
  } catch {
    await disk.remove(path).catch(() => undefined)
  }
}
