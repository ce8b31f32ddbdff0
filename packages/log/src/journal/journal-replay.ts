/**
 * What a start makes of the journal: every entry is written to its segment again, where it stood before; then the segments are synced,
 * and the journal is not needed any more. Recovery of the partitions comes after, and finds their logs as they were acknowledged.
 *
 * An entry counts only for the last segment of the partition with its topic id: a segment is closed when it is durable in itself, and
 * a topic that was deleted has no folder. Bytes at a place of a segment never change once they were durable, so what is written again
 * needlessly does no harm.
 */
import type { Disk, DiskFile } from '@odradek/world'
import { eachOf } from '../each-of.ts'
import { type Checkpoint, partitionKey } from '../folder/checkpoint.ts'
import { journalName, offsetInName, segmentName } from '../folder/file-names.ts'
import { ownerOf, partitionFolder } from '../folder/partition-folder.ts'
import { isOutOfDescriptors } from '../folder/thrifty-disk.ts'
import { listIfThere, parentFolder } from '../folder/whole-file.ts'
import type { LogLogger } from '../log-services.ts'
import type { JournalEntry } from './journal-group.ts'
import { damagedGroups, entriesOf, type ScannedPiece, scanPiece } from './journal-scan.ts'

export interface ReplayedJournal {
  /** By partition: everything before the one was durable; the other begins its first segment. */
  readonly ends: ReadonlyMap<string, { durableOffset: number; baseOffset: number }>
  /** Partitions whose entries could not be written: they may not be opened, and the journal is kept for them. */
  readonly failures: ReadonlyMap<string, Error>
  /** By partition: what is in its folder, which is its own. Recovery need not look again: nothing changes it before. */
  readonly folders: Map<string, readonly string[]>
  /** For the next piece. */
  readonly sequence: number
}

/** Partitions replayed at the same time. */
const width = 16

export const nothingReplayed: ReplayedJournal = {
  ...{ ends: new Map(), failures: new Map(), folders: new Map(), sequence: 1 },
}

export async function replayJournal(disk: Disk, root: string, logger: LogLogger): Promise<ReplayedJournal> {
  const folder = `${root}/${journalName}`
  const names = (await listIfThere(disk, folder)).filter(name => name.endsWith('.journal'))
  const paths = names.map(name => `${folder}/${name}`)
  if (paths.length === 0) return nothingReplayed
  const pieces = await readPieces(disk, paths, logger)
  const damaged = damagedGroups(pieces)
  if (damaged > 0)
    logger.error({ folder, groups: damaged }, 'the journal is damaged: what it held of some partitions is missing')
  const replay = new Replay(disk, root)
  await replay.run(pieces)
  const { bytesWritten, ends, failures, folders } = replay
  if (bytesWritten > 0) logger.info({ folder, partitions: ends.size, bytes: bytesWritten }, 'replayed the journal')
  // What cannot be removed does no harm when it is replayed again.
  if (failures.size === 0) for (const path of paths) await disk.remove(path).catch(() => undefined)
  const sequences = [...pieces.map(piece => piece.sequence), ...names.map(name => Number.parseInt(name, 10) || 0)]
  return { ends, failures, folders, sequence: Math.max(...sequences) + 1 }
}

/**
 * One that the disk does not give is put aside: replayed by a later start, it would be written over what its partitions hold by then.
 */
async function readPieces(disk: Disk, paths: readonly string[], logger: LogLogger): Promise<ScannedPiece[]> {
  const pieces: ScannedPiece[] = []
  for (const path of paths) {
    try {
      pieces.push(scanPiece(Buffer.from(await disk.readFile(path))))
    } catch (error) {
      const aside = `${path}.unreadable`
      await disk.rename(path, aside)
      await disk.syncFolder(parentFolder(path))
      const { message } = error as Error
      logger.error({ file: path, aside, error: message }, 'cannot read a piece of the journal: what it held is missing')
    }
  }
  return pieces
}

/** The checkpoint may be older than the journal after a power loss. Unsynced: the partitions' files speak for themselves now. */
export function noteReplayed(checkpoint: Checkpoint, { ends }: ReplayedJournal, logger: LogLogger): void {
  try {
    for (const [key, { durableOffset, baseOffset }] of ends) {
      const found = checkpoint.find(key)
      if (found !== undefined && found.durableOffset >= durableOffset) continue
      checkpoint.write(checkpoint.claim(key), { durableOffset, logStartOffset: found?.logStartOffset ?? baseOffset })
    }
  } catch (error) {
    logger.warn({ error: (error as Error).message }, 'cannot note in the checkpoint what the journal held')
  }
}

class Replay {
  readonly ends = new Map<string, { durableOffset: number; baseOffset: number }>()
  readonly failures = new Map<string, Error>()
  readonly folders = new Map<string, readonly string[]>()
  bytesWritten = 0
  readonly #disk: Disk
  readonly #root: string

  constructor(disk: Disk, root: string) {
    this.#disk = disk
    this.#root = root
  }

  async run(pieces: readonly ScannedPiece[]): Promise<void> {
    const ofPartitions = Map.groupBy(entriesOf(pieces), ({ owner }) => partitionKey(owner.topicId, owner.index))
    const short: [string, readonly JournalEntry[]][] = []
    await eachOf([...ofPartitions], width, async ([key, entries]) => {
      try {
        await this.#replayPartition(key, entries)
      } catch (error) {
        if (isOutOfDescriptors(error)) short.push([key, entries])
        else this.failures.set(key, error as Error)
      }
    })
    // So many at a time took all descriptors there are; one after the other they need a few.
    for (const [key, entries] of short)
      await this.#replayPartition(key, entries).catch(error => this.failures.set(key, error))
  }

  async #replayPartition(key: string, entries: readonly JournalEntry[]): Promise<void> {
    const { owner } = entries[0]!
    const folder = partitionFolder(this.#root, owner)
    const found = await ownerOf(this.#disk, folder)
    if (found !== undefined && found !== owner.topicId) return
    const names = await listIfThere(this.#disk, folder)
    if (found !== undefined) this.folders.set(key, names)
    const bases = names.map(name => offsetInName(name, 'log')).filter(base => base !== undefined)
    const last = bases.at(-1)
    if (last === undefined) return
    this.ends.set(key, { durableOffset: entries.at(-1)!.nextOffset, baseOffset: bases[0]! })
    const current = entries.filter(entry => entry.segment === last)
    if (current.length === 0) return
    const file = await this.#disk.open(`${folder}/${segmentName(last)}`, 'existing')
    try {
      for (const entry of current) this.#write(file, entry)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  /** Even where the bytes can be read: if a sync of the segment has failed, the system shows what is not on the disk. */
  #write(file: DiskFile, { position, chunks, bytes }: JournalEntry): void {
    file.write(position, chunks)
    this.bytesWritten += bytes
  }
}
