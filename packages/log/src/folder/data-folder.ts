/**
 * The data folder as a whole: taken at start, given back in order at the end.
 *
 * The clean-shutdown mark says that every byte in the folder is durable and described. It is removed, durably, before anything changes.
 */
import { UsageError } from '@odradek/protocol'
import type { Clock, Disk } from '@odradek/world'
import { type LogLogger, silent } from '../log-services.ts'
import { Checkpoint } from './checkpoint.ts'
import { cleanShutdownName } from './file-names.ts'
import { parentFolder, writeFile } from './whole-file.ts'

export interface TakenFolder {
  checkpoint: Checkpoint
  /** The last run ended in order. */
  clean: boolean
}

export async function takeFolder(
  clock: Clock,
  disk: Disk,
  folder: string,
  logger: LogLogger = silent,
): Promise<TakenFolder> {
  try {
    const taken = await take(clock, disk, folder)
    for (const remark of taken.checkpoint.remarks) logger.error({ folder }, remark)
    return taken
  } catch (error) {
    const reason = reasons[(error as NodeJS.ErrnoException).code ?? '']
    if (reason === undefined) throw error
    throw new UsageError(`The data folder ${folder} ${reason}`, { code: 'DATA_FOLDER', cause: error })
  }
}

const unwritable = 'cannot be written. Give this user the right to, or choose another folder.'
const reasons: Record<string, string> = {
  EACCES: unwritable,
  EPERM: unwritable,
  EROFS: unwritable,
  ENOTDIR: 'is not a folder. Choose another name.',
  EEXIST: 'is not a folder. Choose another name.',
  EIO: 'is on a disk that fails. See what the system says of it before you go on.',
  ENOSPC: 'is on a disk that is full. Make room, or choose another folder.',
}

async function take(clock: Clock, disk: Disk, folder: string): Promise<TakenFolder> {
  if (!(await disk.exists(folder))) {
    await disk.makeFolder(folder)
    await disk.syncFolder(parentFolder(folder))
  }
  const checkpoint = await Checkpoint.open(clock, disk, folder)
  const clean = await disk.exists(`${folder}/${cleanShutdownName}`)
  if (clean) {
    await disk.remove(`${folder}/${cleanShutdownName}`)
    await disk.syncFolder(folder)
  }
  return { checkpoint, clean }
}

export async function markClean(disk: Disk, folder: string): Promise<void> {
  await writeFile(disk, `${folder}/${cleanShutdownName}`, new Uint8Array(0), { sync: true })
  await disk.syncFolder(folder)
}
