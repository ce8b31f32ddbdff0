/**
 * What is written beside a segment that has been closed and is durable: its sidecar, and the producers as of its end.
 *
 * Both can be made again from the log, so a failure costs the next start some time and nothing else. The last three snapshots are kept;
 * an older one goes only after a newer one is durable.
 */
import type { Disk } from '@odradek/world'
import { offsetInName, snapshotName } from '../folder/file-names.ts'
import { writeFile } from '../folder/whole-file.ts'
import type { LogServices } from '../log-services.ts'
import { encodeSnapshot } from '../producers/producer-snapshot.ts'
import type { ProducerState } from '../producers/producer-state.ts'
import type { Segment } from './segment.ts'

const snapshotsKept = 3

export async function writeSidecar(services: LogServices, segment: Segment): Promise<void> {
  const bytes = segment.encodeSidecar()
  const { size } = segment
  await writeSidecarBytes(services.disk, segment, bytes)
  segment.sidecarSize = size
}

/** Under a name of its own first: a process that is killed meanwhile leaves the old one. */
export async function writeSidecarBytes(disk: Disk, segment: Segment, bytes: Uint8Array): Promise<void> {
  const written = `${segment.sidecarPath}.new`
  await writeFile(disk, written, bytes, { sync: false })
  await disk.rename(written, segment.sidecarPath)
}

/** `bytes` is the snapshot as of `offset`, encoded when the log ended there. */
export async function writeSnapshot(
  services: LogServices,
  folder: string,
  offset: number,
  bytes: Uint8Array,
  options: { sync: boolean },
): Promise<void> {
  const { disk } = services
  await writeFile(disk, `${folder}/${snapshotName(offset)}`, bytes, options)
  if (!options.sync) return
  await disk.syncFolder(folder)
  const offsets = (await disk.list(folder))
    .map(name => offsetInName(name, 'snapshot'))
    .filter(found => found !== undefined)
  for (const old of offsets.slice(0, -snapshotsKept)) await disk.remove(`${folder}/${snapshotName(old)}`)
}

export const snapshotOf = (offset: number, producers: ProducerState): Uint8Array =>
  encodeSnapshot(offset, producers.entries(), producers.transactions.aborted)
