/**
 * A data folder into a backup folder, beside a running broker or offline. Every record, committed offset and setting that was acknowledged
 * before it began is in it.
 *
 * The order matters. Committed offsets come first, so that none of them is ahead of its partition; what the cluster knows of itself
 * comes last, so that no producer id and no leader epoch that stands in a log is given away again.
 */
import { UsageError } from '@odradek/protocol'
import type { Clock, Disk } from '@odradek/world'
import { listIfThere, parentFolder, writeFile } from '../folder/whole-file.ts'
import {
  type BackupManifest,
  type BackupPartition,
  dataName,
  folderOf,
  readManifest,
  unfinishedName,
  writeManifest,
} from './backup-manifest.ts'
import { aroundBadSectors } from './bad-sectors.ts'
import { readJournal } from './journal-file.ts'
import { lostPartitions } from './lost-partitions.ts'
import { backUpPartition, OwnerLost } from './partition-backup.ts'
import { foundNames } from './partition-names.ts'
import { StoredFiles } from './stored-files.ts'
import { endsOf } from './verify.ts'

export interface BackupOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly folder: string
  readonly backup: string
  readonly live?: boolean
  /** Copies what could be linked: a backup that shares its bytes with the data folder shares their decay. */
  readonly copy?: boolean
  /** What is known of the topics: undefined when nothing is, null for one that is not there. */
  readonly topics?: ((topicId: string) => { name: string } | null | undefined) | undefined
  /** Other files of the data folder, asked for when the logs are done. */
  readonly besides?: () => Promise<readonly { name: string; bytes: Uint8Array }[]>
  readonly onBytes?: (bytes: number) => void
  readonly say?: (remark: string) => void
}

export interface BackupReport {
  readonly manifest: BackupManifest
  readonly linkedBytes: number
  readonly copiedBytes: number
  /** Of these, what an earlier backup had. */
  readonly keptBytes: number
  /** Something in the data folder is damaged: the remarks say what, and what the backup has of it. */
  readonly isDamaged: boolean
}

export async function backUpFolder(options: BackupOptions): Promise<BackupReport> {
  const { clock, backup } = options
  const run = new Backup(options, await readManifest(options.disk, backup))
  const { disk, before } = run
  const data = `${backup}/${dataName}`
  if (before === undefined) await refuseForeignFolder(disk, backup)
  await disk.makeFolder(data)
  const startedAt = new Date(clock.now()).toISOString()
  await writeFile(disk, `${backup}/${unfinishedName}`, Buffer.from(`${startedAt}\n`), { sync: true })
  await disk.syncFolder(backup)
  await disk.syncFolder(parentFolder(backup))
  const { partitions, places } = await run.partitions()
  const files = await run.besides()
  const manifest: BackupManifest = {
    ...{ format: 1, number: (before?.number ?? 0) + 1, startedAt },
    ...{ finishedAt: new Date(clock.now()).toISOString(), partitions, files },
  }
  await disk.syncFolder(data)
  await writeManifest(disk, backup, manifest)
  await run.tidyUp(places)
  await disk.remove(`${backup}/${unfinishedName}`)
  await disk.syncFolder(backup)
  return { manifest, ...run.counts(manifest) }
}

/** What stands in a folder that holds no backup, finished or not, is somebody else's. */
async function refuseForeignFolder(disk: Disk, backup: string): Promise<void> {
  const names = await listIfThere(disk, backup)
  if (names.length === 0 || names.includes(unfinishedName)) return
  const isBegun = names.every(name => name === dataName) && (await disk.list(`${backup}/${dataName}`)).length === 0
  if (isBegun) return
  throw new UsageError(
    `${backup} is not empty and holds no backup (${names[0]} is in it): name an empty folder, one that is not there yet, or that of an earlier backup.`,
  )
}

const startFirst = 'Start a broker on the folder, which makes it again, and repeat the backup'

class Backup {
  readonly #options: BackupOptions
  readonly before: BackupManifest | undefined
  readonly disk: Disk
  readonly #data: string
  #canLink: boolean
  #root: StoredFiles
  #isDamaged = false

  constructor(options: BackupOptions, before: BackupManifest | undefined) {
    this.#options = options
    this.before = before
    this.disk = aroundBadSectors(options.disk, (path, byte) => this.#damaged(`${path} cannot be read at byte ${byte}`))
    this.#data = `${options.backup}/${dataName}`
    this.#canLink = options.copy !== true
    this.#root = this.#storedFiles(this.#data, before?.files ?? [])
  }

  async partitions(): Promise<{ partitions: BackupPartition[]; places: Map<string, StoredFiles> }> {
    const { disk } = this
    const { clock, folder, live = false, onBytes = () => undefined, say = () => undefined } = this.#options
    const damaged = (remark: string) => this.#damaged(remark)
    // Before any of the ends: what leaves the journal meanwhile is in the checkpoint by then.
    const { parts: journal } = await readJournal(disk, folder)
    const partitions: BackupPartition[] = []
    const places = new Map<string, StoredFiles>()
    for (const place of await this.#places()) {
      const name = folderOf(place)
      const known = this.before?.partitions.find(each => folderOf(each) === name)
      const stored = this.#storedFiles(`${this.#data}/${name}`, known?.files ?? [])
      await disk.makeFolder(`${this.#data}/${name}`)
      const formerTopicId = known?.topicId
      const what = { disk, clock, root: folder, ...place, live, stored, formerTopicId, journal, onBytes, damaged }
      const done = await backUpPartition(what).catch((error: Error) => {
        if (!(error instanceof OwnerLost)) throw error
        stored.keepFormer()
        damaged(
          `${error.message}: ${known ? 'the backup keeps what it had of it' : 'it is not in the backup'}. ${startFirst}`,
        )
        return known
      })
      if (this.#canLink && !stored.canLink)
        say('no links can be made from there to here (another file system?): everything is copied')
      this.#canLink = stored.canLink
      if (done === undefined) continue
      await disk.syncFolder(`${this.#data}/${name}`)
      partitions.push(done)
      places.set(name, stored)
    }
    for (const { lost, former } of await this.#lost(places)) {
      const name = former ? folderOf(former) : `partition ${lost.index} of the topic with id ${lost.topicId}`
      damaged(
        `${name} has no folder any more, and reached to offset ${lost.durableOffset}: ${former ? 'the backup keeps what it had of it' : 'it is not in the backup'}. odradek log verify says more`,
      )
      if (!former) continue
      const stored = this.#storedFiles(`${this.#data}/${name}`, former.files)
      stored.keepFormer()
      partitions.push(former)
      places.set(name, stored)
    }
    return { partitions, places }
  }

  /** What the checkpoint knows, and there is no folder of. A topic that was deleted is not in it. */
  async #lost(places: ReadonlyMap<string, StoredFiles>) {
    const { disk } = this
    const { folder, topics } = this.#options
    const found = await lostPartitions(disk, folder, (await endsOf(disk, folder)) ?? new Map())
    return found.flatMap(lost => {
      const isIt = ({ topicId, index }: BackupPartition) => topicId === lost.topicId && index === lost.index
      const former = this.before?.partitions.find(isIt)
      const isOld = topics?.(lost.topicId) === null || (former && places.has(folderOf(former)))
      return isOld ? [] : [{ lost, former }]
    })
  }

  #damaged(remark: string): void {
    this.#isDamaged = true
    this.#options.say?.(remark)
  }

  async besides() {
    for (const { name, bytes } of (await this.#options.besides?.()) ?? []) await this.#root.put(name, bytes)
    return this.#root.files
  }

  /** What the manifest does not name goes, now that it counts. */
  async tidyUp(places: ReadonlyMap<string, StoredFiles>): Promise<void> {
    const { disk } = this
    const kept = new Set(this.#root.files.map(({ stored }) => stored))
    for (const name of await disk.list(this.#data)) {
      const stored = places.get(name)
      if (stored !== undefined) await stored.removeOthers()
      else if (!kept.has(name)) await disk.remove(`${this.#data}/${name}`)
    }
  }

  counts(manifest: BackupManifest): Omit<BackupReport, 'manifest'> {
    const [now, then] = [manifest, this.before].map(each => each?.partitions.flatMap(({ files }) => files) ?? [])
    const sum = (files: readonly { size: number }[]) => files.reduce((total, { size }) => total + size, 0)
    const sums = new Set(then!.map(({ sha256 }) => sha256))
    return {
      isDamaged: this.#isDamaged,
      linkedBytes: sum(now!.filter(({ linked }) => linked)),
      copiedBytes: sum(now!.filter(({ linked }) => !linked)),
      keptBytes: sum(now!.filter(({ sha256 }) => sums.has(sha256))),
    }
  }

  /** Committed offsets first. */
  async #places(): Promise<{ topic: string; index: number }[]> {
    const found = await foundNames(this.disk, this.#options.folder)
    const places = found.map(({ place }) => place).filter(place => place.kind === 'partition')
    return [
      ...places.filter(({ topic }) => topic === '__consumer_offsets'),
      ...places.filter(({ topic }) => topic !== '__consumer_offsets'),
    ].map(({ topic, index }) => ({ topic, index }))
  }

  #storedFiles(folder: string, before: BackupManifest['files']): StoredFiles {
    const number = (this.before?.number ?? 0) + 1
    return new StoredFiles(this.disk, folder, before, number, this.#canLink)
  }
}
