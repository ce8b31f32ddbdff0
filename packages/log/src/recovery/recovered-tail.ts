/**
 * The end of a segment that the last run left without an answer. It may have seen a sync fail: then the system shows bytes that are not
 * on the disk, believes that they are, and a sync writes nothing. Written again, they are its business anew.
 *
 *     [ durable for certain │ read, not certain: written again, then synced ]
 */
import type { Disk, DiskFile } from '@odradek/world'
import { parentFolder } from '../folder/whole-file.ts'
import type { Segment } from '../segment/segment.ts'
import { durably } from '../sync/sync-failure.ts'

const chunkBytes = 1024 * 1024

/** Of a segment that has been scanned, and cut to what is whole. */
export async function makeDurable(segment: Segment, file: DiskFile, durableOffset: number): Promise<void> {
  const { baseOffset, index, nextOffset } = segment
  const certain = Math.max(0, Math.min(durableOffset, nextOffset) - baseOffset)
  const from = durableOffset >= nextOffset ? file.size : (index?.placeForOffset(certain).position ?? 0)
  for (let at = from; at < file.size; at += chunkBytes) file.write(at, [await file.read(at, chunkBytes)])
  await durably(file.sync())
}

/** A segment without a record may have been begun, with its folder, by a run that was killed before their names were durable. */
export async function makeNamesDurable(disk: Disk, active: Segment | undefined): Promise<void> {
  if (active?.size !== 0) return
  const folder = parentFolder(active.path)
  await durably(disk.syncFolder(folder))
  await durably(disk.syncFolder(parentFolder(folder)))
}
