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
import { offsetInName, segmentName, sidecarName } from '../folder/file-names.ts'
import { scanBatches } from '../segment/batch-scan.ts'
import { decodeSidecarHead } from '../segment/segment-sidecar.ts'
import { durably, SyncFailure } from '../sync/sync-failure.ts'
import { cleanedName, type OffsetRange, swapName, swapRange } from './compaction-files.ts'

/** Whether every byte is of a batch as it was written. What cannot be read is not whole. */
async function isWhole(disk: Disk, path: string, { baseOffset, nextOffset }: OffsetRange): Promise<boolean> {
  return (await reachOf(disk, path, baseOffset, nextOffset)) !== undefined
}

/** Whether the segments that a swap file replaces are all there and whole: each reaches to the next one, and the last to the end. */
async function areWhole(disk: Disk, folder: string, range: OffsetRange, names: readonly string[]): Promise<boolean> {
  const bases = names
    .map(name => offsetInName(name, 'log'))
    .filter(base => base !== undefined && base >= range.baseOffset && base < range.nextOffset) as number[]
  if (bases[0] !== range.baseOffset) return false
  for (const [i, base] of bases.entries()) {
    const next = bases[i + 1] ?? range.nextOffset
    const reach = await reachOf(disk, `${folder}/${segmentName(base)}`, base, next)
    if (reach === undefined) return false
    if (reach < next && (await describedEnd(disk, `${folder}/${sidecarName(base)}`)) !== next) return false
  }
  return true
}

/** The offset after its last batch; undefined when it is damaged, or holds what it must not. */
async function reachOf(disk: Disk, path: string, base: number, before: number): Promise<number | undefined> {
  const file = await disk.open(path, 'read').catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const limit = { position: file.size, nextOffset: before, isDense: false }
    const end = await scanBatches(file, { position: 0, nextOffset: base }, limit, () => true)
    return end.damage === undefined && end.position === file.size ? end.nextOffset : undefined
  } catch {
    return undefined
  } finally {
    await file.close()
  }
}

/** Where compaction took the last batches away, the sidecar knows how far a segment reaches. */
async function describedEnd(disk: Disk, path: string): Promise<number | undefined> {
  const bytes = await disk.readFile(path).catch(() => undefined)
  return bytes && decodeSidecarHead(bytes)?.nextOffset
}

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

/**
 * What a crash has left half done in a partition's folder; returns the names that are there afterwards. A swap file that has gone bad
 * does not take the place of segments that are all there, and whole: `discarded` hears of it, and they are cleaned again.
 */
export async function settleSwaps(
  disk: Disk,
  folder: string,
  names: readonly string[],
  discarded: (file: string) => void = () => undefined,
): Promise<readonly string[]> {
  const swaps = names.map(swapRange).filter(range => range !== undefined)
  const cleaned = names.filter(name => name.endsWith('.log.cleaned'))
  for (const name of cleaned) await disk.remove(`${folder}/${name}`)
  for (const range of swaps) {
    const path = `${folder}/${swapName(range)}`
    const isBetter = (await isWhole(disk, path, range)) || !(await areWhole(disk, folder, range, names))
    if (isBetter) await completeSwap(disk, folder, range, names)
    else {
      await disk.remove(path)
      discarded(path)
    }
  }
  return swaps.length + cleaned.length === 0 ? names : disk.list(folder)
}
