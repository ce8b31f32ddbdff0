/**
 * The folder of a partition: whose it is, made when the partition gets its first record, put aside when its topic is deleted.
 *
 * `partition.metadata` names the topic by id, as Kafka's does: a topic made anew under an old name must not inherit old bytes.
 */
import type { Disk } from '@odradek/world'
import type { Uuid } from '../engine.ts'
import type { LogServices } from '../log-services.ts'
import type { CoalescedSync } from '../sync/coalesced-sync.ts'
import { durably } from '../sync/sync-failure.ts'
import { metadataName } from './file-names.ts'
import { isOutOfDescriptors } from './thrifty-disk.ts'
import { listIfThere, parentFolder, readFileIfReadable, writeFile } from './whole-file.ts'

export interface PartitionOwner {
  topicId: Uuid
  topic: string
  index: number
}

export const partitionFolder = (root: string, owner: PartitionOwner): string => `${root}/${owner.topic}-${owner.index}`

/**
 * Makes the folder, and durable what it is. `fill` makes what else it begins with, whose names become durable too. All names are made
 * before the first sync: then one commit of the file system holds them, and the syncs after it find nothing left to do.
 */
export async function createPartitionFolder(
  disk: Disk,
  folder: string,
  topicId: Uuid,
  { names, fill }: { names: CoalescedSync; fill: () => Promise<void> },
): Promise<void> {
  await disk.makeFolder(folder)
  const metadata = await disk.open(`${folder}/${metadataName}`, 'fresh')
  try {
    metadata.write(0, [metadataText(topicId)])
    await fill()
    await durably(metadata.sync())
  } finally {
    await metadata.close()
  }
  await durably(disk.syncFolder(folder))
  await durably(names.request())
}

const metadataText = (topicId: Uuid): Uint8Array =>
  new TextEncoder().encode(`version: 0\ntopic_id: ${shortId(topicId)}\n`)

/** Makes a folder that is there the partition's own, or puts it aside. */
export async function takePartitionFolder(
  { disk, leaderEpoch, logger }: Pick<LogServices, 'disk' | 'leaderEpoch' | 'logger'>,
  folder: string,
  { topicId, topic, index }: PartitionOwner,
): Promise<void> {
  const claim = await claimFolder(disk, folder, topicId)
  if (claim === 'mended') logger.warn({ folder }, 'partition.metadata was missing or damaged, and is written anew')
  if (claim !== 'foreign') return
  const aside = await putAside(disk, folder, `${topic}-${index}.${leaderEpoch}-stray`)
  logger.warn(
    { folder, aside },
    'a folder belonged to another topic of this name; it is kept under a new name and not used',
  )
}

export type FolderClaim = 'mine' | 'mended' | 'foreign'

/**
 * Whether a folder that is there is this topic's. A text that names nobody, or somebody whose id is all but one byte the same, is damaged
 * (two ids that were drawn have hardly anything in common), and is written anew.
 */
export async function claimFolder(disk: Disk, folder: string, topicId: Uuid): Promise<FolderClaim> {
  const expected = metadataText(topicId)
  const bytes = await readFileIfReadable(disk, `${folder}/${metadataName}`)
  if (bytes === undefined && (await listIfThere(disk, folder)).length === 0) return 'mine'
  const isDamaged = bytes === undefined || topicIn(bytes) === undefined || differentBytes(bytes, expected) === 1
  if (!isDamaged) return topicIn(bytes) === topicId ? 'mine' : 'foreign'
  // There may be no room for it now; it says as little as before then.
  await writeFile(disk, `${folder}/${metadataName}`, expected, { sync: true }).catch(ifNotOutOfDescriptors)
  return 'mended'
}

function ifNotOutOfDescriptors(error: unknown): void {
  if (isOutOfDescriptors(error)) throw error
}

/** The topic a folder belongs to; undefined when it says nothing. */
export async function ownerOf(disk: Disk, folder: string): Promise<Uuid | undefined> {
  const bytes = await readFileIfReadable(disk, `${folder}/${metadataName}`)
  return bytes && topicIn(bytes)
}

function topicIn(bytes: Uint8Array): Uuid | undefined {
  const short = /^topic_id: ([\w-]{22})$/m.exec(new TextDecoder().decode(bytes))?.[1]
  return short ? longId(short) : undefined
}

function differentBytes(one: Uint8Array, other: Uint8Array): number {
  let count = Math.abs(one.length - other.length)
  for (let i = 0; i < Math.min(one.length, other.length); i++) if (one[i] !== other[i]) count++
  return count
}

/** Whose folders are there, beside those that were put aside. */
export async function ownersIn(disk: Disk, root: string): Promise<PartitionOwner[]> {
  const owners: PartitionOwner[] = []
  for (const name of await listIfThere(disk, root)) {
    const [, topic, index] = /^(.+)-(\d+)$/.exec(name) ?? []
    const topicId = topic && (await ownerOf(disk, `${root}/${name}`).catch(() => undefined))
    if (topic && topicId) owners.push({ topicId, topic, index: Number(index) })
  }
  return owners
}

/** Renames the folder to one that no start will take for a partition's. Returns its new name; undefined when there was none. */
export async function putAside(disk: Disk, folder: string, name: string): Promise<string | undefined> {
  const root = parentFolder(folder)
  try {
    await disk.rename(folder, `${root}/${name}`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  await disk.syncFolder(root)
  return `${root}/${name}`
}

/** Kafka writes a topic id as 22 characters of base64url. */
export const shortId = (id: Uuid): string => Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url')
const longId = (short: string): Uuid =>
  Buffer.from(short, 'base64url')
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
