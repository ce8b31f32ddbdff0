/**
 * How a cleaned segment takes the place of those it was made of, so that a crash at any moment leaves the ones or the other.
 *
 *     0.log 7.log 0.log.cleaned ─rename, sync─▶ 0.log 7.log 0-12.swap ─remove the others─▶ 0.log 0-12.swap ─rename─▶ 0.log
 *           discarded by a start ◀┘            └▶ completed by a start, from here on
 *
 * Sidecars go before: one of the old segment must never be taken for a description of the new one. So does one that was written and
 * could not get its name: its file would be used again, and after a power loss may hold what it held first.
 */
import type { Disk } from '@odradek/world'
import { segmentName } from '../folder/file-names.ts'
import { durably, SyncFailure } from '../sync/sync-failure.ts'
import { cleanedName, type OffsetRange, swapName, swapRange } from './compaction-files.ts'

/** From here on the cleaned segment counts, whatever happens. After a SyncFailure it may count; after any other error it does not. */
export async function commitSwap(disk: Disk, folder: string, range: OffsetRange): Promise<void> {
  const cleaned = `${folder}/${cleanedName(range.baseOffset)}`
  const swap = `${folder}/${swapName(range)}`
  await disk.rename(cleaned, swap)
  try {
    await durably(disk.syncFolder(folder))
  } catch (error) {
    if (error instanceof SyncFailure) throw error
    // A swap file that stayed would one day, at a start, take the place of what later passes and appends have made.
    await durably(disk.rename(swap, cleaned))
    throw error
  }
}

/** Can be repeated until it succeeds. `names`: of all files in the folder. */
export async function completeSwap(
  disk: Disk,
  folder: string,
  range: OffsetRange,
  names: readonly string[],
): Promise<void> {
  const { baseOffset, nextOffset } = range
  for (const name of names) {
    const [, digits, kind] = /^(\d{20})\.(log|index|index\.new|quarantine)$/.exec(name) ?? []
    const base = Number(digits)
    const isReplaced = kind !== undefined && base >= baseOffset && base < nextOffset
    if (isReplaced && !(kind === 'log' && base === baseOffset)) await disk.remove(`${folder}/${name}`)
  }
  await durably(disk.syncFolder(folder))
  await disk.rename(`${folder}/${swapName(range)}`, `${folder}/${segmentName(baseOffset)}`)
  await durably(disk.syncFolder(folder))
}

/** What a crash has left half done in a partition's folder; returns the names that are there afterwards. */
export async function settleSwaps(disk: Disk, folder: string, names: readonly string[]): Promise<readonly string[]> {
  const swaps = names.map(swapRange).filter(range => range !== undefined)
  const cleaned = names.filter(name => name.endsWith('.log.cleaned'))
  for (const name of cleaned) await disk.remove(`${folder}/${name}`)
  for (const range of swaps) await completeSwap(disk, folder, range, names)
  return swaps.length + cleaned.length === 0 ? names : disk.list(folder)
}
