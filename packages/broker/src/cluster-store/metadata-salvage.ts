/**
 * Metadata of which no copy is whole: what can be read of either, and the topics whose folders are there. Decides only; what it
 * cannot know falls back to what loses nothing: a topic with unknown settings deletes and compacts no record.
 */
import { inOrder, type MetadataEntry, MetadataImage, type StoredTopic } from './metadata-image.ts'

/** A partition whose folder is there. */
export interface FoundPartition {
  topicId: string
  topic: string
  index: number
}

/** The later ones are believed more. */
export function pieceTogether(pieces: readonly MetadataImage[], folders: readonly FoundPartition[]): MetadataImage {
  const image = new MetadataImage()
  for (const piece of pieces) {
    image.revision = Math.max(image.revision, Number.isSafeInteger(piece.revision) ? piece.revision : 0)
    for (const entry of piece.entries()) if (isSound(entry)) image.put(better(image, entry))
  }
  for (const id of image.table('dropped').keys()) image.put(['topic', id, null])
  keepOneOfEachName(image)
  addFolders(image, folders)
  renumberPartitions(image)
  return image
}

/**
 * Numbers that must never be given twice, or go back, after changes may have been lost. The gaps are larger than anything that can be
 * missing, and small beside what there is: 2⁶³ producer ids, 2³¹ epochs.
 */
export function skipGivenNumbers(image: MetadataImage): MetadataEntry[] {
  const nextProducerId = BigInt(image.table('cluster').get('next_producer_id') ?? 2 ** 40) + 2n ** 32n
  const epoch = image.table('cluster').has('leader_epoch') ? image.number('leader_epoch') + 1000 : 1_000_000
  return [
    ['cluster', 'next_producer_id', String(nextProducerId)],
    ['cluster', 'leader_epoch', String(epoch)],
  ]
}

/** Said outright, for the broker's defaults would delete after a week what a compacted topic keeps for ever. */
const keepsEverything: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'retention.bytes': '-1',
  'retention.ms': '-1',
}

/** Names of topics that are known by their folders alone. */
export function topicsWithoutSettings(image: MetadataImage, pieces: readonly MetadataImage[]): string[] {
  const topics = [...image.table('topic')].filter(([id]) => !pieces.some(piece => piece.table('topic').has(id)))
  return topics.map(([, { name }]) => name).sort()
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const topicName = /^[\w.-]{1,249}$/
const digits = /^\d{1,18}$/

function isSound([table, key, value]: MetadataEntry): boolean {
  switch (table) {
    case 'cluster':
      return key === 'cluster_id' ? /^[\w-]{22}$/.test(String(value)) : digits.test(String(value))
    case 'topic':
      return uuid.test(key) && value !== null && topicName.test(value.name) && value.partitions.length > 0
    case 'broker':
      return /^\d*$/.test(key)
    case 'dropped':
      return uuid.test(key)
  }
}

/** Of a number that only grows, the larger. */
function better(image: MetadataImage, entry: MetadataEntry): MetadataEntry {
  const [table, key, value] = entry
  const known = image.table('cluster').get(key)
  const isLess =
    table === 'cluster' && known !== undefined && key !== 'cluster_id' && BigInt(known) > BigInt(value ?? 0)
  return isLess ? [table, key, known] : entry
}

function keepOneOfEachName(image: MetadataImage): void {
  const names = new Set<string>()
  for (const [id, { name }] of [...image.table('topic')].reverse()) {
    if (names.has(name)) image.put(['topic', id, null])
    names.add(name)
  }
}

function addFolders(image: MetadataImage, folders: readonly FoundPartition[]): void {
  const names = new Set([...image.table('topic').values()].map(topic => topic.name))
  for (const { topicId, topic: name } of folders) {
    const known = image.table('topic').get(topicId)
    const isTaken = known === undefined && names.has(name)
    if (isTaken || image.table('dropped').has(topicId) || !uuid.test(topicId) || !topicName.test(name)) continue
    names.add(name)
    const indexes = folders.filter(each => each.topicId === topicId).map(each => each.index)
    const count = Math.max(known?.partitions.length ?? 0, ...indexes.map(index => index + 1))
    const partitions = Array.from({ length: count }, (_, i) => known?.partitions[i] ?? 0)
    image.put(['topic', topicId, { name, partitions, config: inOrder(known?.config ?? keepsEverything) }])
  }
}

/** Numbers mean something to a running engine only; none may be there twice. */
function renumberPartitions(image: MetadataImage): void {
  const all = [...image.table('topic').values()].flatMap(topic => topic.partitions)
  let next = Math.max(image.number('next_partition_id'), 1, ...all.map(number => number + 1))
  const given = new Set<number>()
  const fresh = (number: number): number => {
    const mine = Number.isSafeInteger(number) && number > 0 && !given.has(number) ? number : next++
    given.add(mine)
    return mine
  }
  for (const [id, topic] of [...image.table('topic')]) {
    const kept: StoredTopic = { ...topic, partitions: topic.partitions.map(fresh) }
    image.put(['topic', id, kept])
  }
  image.put(['cluster', 'next_partition_id', String(next)])
}
