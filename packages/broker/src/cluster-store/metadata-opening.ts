/** The metadata of a data folder, taken at start: both copies are read, the better one repairs the other, and what was found is said. */
import { ownersIn } from '@odradek/log'
import type { Disk } from '@odradek/world'
import type { Logger } from '../logger.ts'
import { MetadataCopies } from './metadata-copies.ts'
import { databaseFormat, type FoundDatabase, MetadataDatabase, stepsOf } from './metadata-database.ts'
import { type MetadataEntry, MetadataImage, metadataTables } from './metadata-image.ts'
import { type FoundLog, MetadataLog } from './metadata-log.ts'
import { keepReserve, releaseReserve } from './metadata-reserve.ts'
import { pieceTogether, skipGivenNumbers, topicsWithoutSettings } from './metadata-salvage.ts'
import { judge, type Verdict } from './metadata-verdict.ts'
import { folderRefusal, isDamage, isOutOfRoom, isReadFailure, newerFormat, notMetadata } from './storage-errors.ts'

export interface MetadataPlace {
  folder: string
  disk: Disk
  logger: Logger
  freshClusterId: () => string
}

/** Opens or makes `metadata.db` and `metadata.log`, alone, and raises the leader epoch. Throws UsageError when the folder cannot be used. */
export async function openMetadata(place: MetadataPlace): Promise<MetadataCopies> {
  const { disk, folder, logger } = place
  try {
    const copies = await begin(place)
    await keepReserve(disk, folder)
    return copies
  } catch (error) {
    if (!isOutOfRoom(error) || !(await releaseReserve(disk, folder))) throw folderRefusal(error, folder)
    logger.error({ folder }, 'the disk is full: started with the room kept back for that')
  }
  try {
    return await begin(place)
  } catch (error) {
    throw folderRefusal(error, folder)
  }
}

async function begin(place: MetadataPlace): Promise<MetadataCopies> {
  const opening = new Opening(place)
  try {
    const copies = await opening.open()
    const { image } = copies
    await copies.write(() => [
      ...(image.table('cluster').has('cluster_id') ? [] : [['cluster', 'cluster_id', place.freshClusterId()] as const]),
      ['cluster', 'leader_epoch', String(image.number('leader_epoch') + 1)],
    ])
    return copies
  } catch (error) {
    await opening.giveUp()
    throw error
  }
}

class Opening {
  readonly #place: MetadataPlace
  readonly #path: string
  readonly #log: MetadataLog
  #database: MetadataDatabase | undefined

  constructor(place: MetadataPlace) {
    this.#place = place
    this.#path = `${place.folder}/metadata.db`
    this.#log = new MetadataLog(place.disk, `${place.folder}/metadata.log`)
  }

  async open(): Promise<MetadataCopies> {
    const { folder, logger } = this.#place
    for (const name of ['metadata.log', 'metadata.db-journal']) await this.#putFolderAside(name)
    const database = await this.#openDatabase()
    const log = await this.#log.read()
    const verdict = judge(database, log)
    if (verdict === 'refused') throw newerFormat(folder, Math.max(database.format, databaseFormat + 1), databaseFormat)
    const image = await this.#imageOf(verdict, database, log)
    const skipped = verdict.mayBeBehind ? skipGivenNumbers(image) : []
    if (verdict.rewriteLog) await this.#log.rewrite(image)
    else await this.#log.resume(log)
    await this.#bringUpToDate(verdict, database, image)
    for (const remark of verdict.remarks) logger.error({ folder, topics: image.table('topic').size }, remark)
    const copies = new MetadataCopies(image, { database: this.#database!, log: this.#log })
    if (skipped.length > 0) await copies.write(() => skipped)
    return copies
  }

  async giveUp(): Promise<void> {
    await this.#log.close()
    this.#database?.close()
  }

  /** A file that is no database cannot even be locked; whoever runs on this folder has one that can. */
  async #openDatabase(): Promise<FoundDatabase> {
    try {
      this.#database = MetadataDatabase.open(this.#path)
      return this.#database.read()
    } catch (error) {
      const isFolder = await isFolderAt(this.#place.disk, this.#path)
      if (!isFolder && !isReadFailure(error)) await this.#mustBeDamaged(error)
      const damage = isFolder ? 'a folder of this name is in its place' : (error as Error).message
      return { format: 0, image: new MetadataImage(), damage }
    }
  }

  async #mustBeDamaged(error: unknown): Promise<void> {
    if (!isDamage(error)) throw error
    // What SQLite will not write may be a file that this user may not write.
    const file = await this.#place.disk.open(this.#path, 'existing')
    await file.close()
  }

  async #imageOf(verdict: Verdict, database: FoundDatabase, log: FoundLog): Promise<MetadataImage> {
    if (verdict.source === 'database') return database.image
    if (verdict.source === 'log') return log.image
    const { disk, folder } = this.#place
    const owners = await ownersIn(disk, folder)
    if (verdict.source === 'nothing' && owners.length > 0) {
      verdict.mayBeBehind = true
      verdict.remarks.push('the metadata is missing: what the folders of partitions say is put together')
    }
    const pieces = [database.image, log.image]
    const image = pieceTogether(pieces, owners)
    const unsettled = topicsWithoutSettings(image, pieces)
    if (unsettled.length > 0) verdict.remarks.push(settingsLost(unsettled))
    if (verdict.source === 'pieces' && log.state === 'missing' && image.table('topic').size === 0)
      throw notMetadata(folder)
    if (verdict.source === 'nothing' && owners.length === 0) {
      image.put(['cluster', 'leader_epoch', '0'])
      image.put(['cluster', 'next_producer_id', '0'])
    }
    return image
  }

  async #bringUpToDate(verdict: Verdict, found: FoundDatabase, image: MetadataImage): Promise<void> {
    if (verdict.replaceDatabase) {
      await this.#putDatabaseAside()
      this.#database = MetadataDatabase.open(this.#path)
    }
    const database = this.#database!
    if (verdict.replaceDatabase || found.format < databaseFormat) database.fill(image)
    else if (image !== found.image)
      database.commit(stepsOf(found.image, difference(found.image, image)), image.revision, image.digest)
  }

  /** A file of this name could not be written. */
  async #putFolderAside(name: string): Promise<void> {
    const { disk, folder, logger } = this.#place
    if (!(await isFolderAt(disk, `${folder}/${name}`))) return
    const aside = freeName(`${folder}/${name}.damaged-`, await disk.list(folder))
    await disk.rename(`${folder}/${name}`, aside)
    logger.warn({ aside }, 'a folder that is in the place of a file of the metadata is kept under a new name')
  }

  async #putDatabaseAside(): Promise<void> {
    this.#database?.close()
    this.#database = undefined
    const { disk, folder, logger } = this.#place
    const names = await disk.list(folder)
    const aside = freeName(`${this.#path}.damaged-`, names)
    for (const suffix of ['', '-journal']) {
      if (names.includes(`metadata.db${suffix}`)) await disk.rename(`${this.#path}${suffix}`, `${aside}${suffix}`)
    }
    logger.warn({ aside }, 'the metadata database that cannot be used is kept under a new name')
  }
}

/** The path with the first number that no name has. */
function freeName(path: string, names: readonly string[]): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  let number = 1
  while (names.includes(`${name}${number}`)) number++
  return `${path}${number}`
}

const isFolderAt = (disk: Disk, path: string): Promise<boolean> =>
  disk.list(path).then(
    () => true,
    () => false,
  )

const settingsLost = (topics: readonly string[]): string =>
  `the settings of ${topics.join(', ')} are lost: until they are set again, nothing of these topics is deleted or compacted ` +
  '(retention.ms=-1, retention.bytes=-1, cleanup.policy=delete). Give each its settings with `odradek topic alter TOPIC KEY=VALUE`'

/** What makes one image the other; names are free again before they are taken. */
function difference(from: MetadataImage, to: MetadataImage): MetadataEntry[] {
  const gone: MetadataEntry[] = []
  for (const table of metadataTables)
    for (const key of from.table(table).keys()) if (!to.table(table).has(key)) gone.push([table, key, null])
  const changed = [...to.entries()].filter(
    ([table, key, value]) => JSON.stringify(from.table(table).get(key)) !== JSON.stringify(value),
  )
  return [...gone, ...changed]
}
