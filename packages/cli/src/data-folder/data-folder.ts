/** A data folder that was named on the command line: whether it is one, whether a broker runs on it, and which topics it knows. */
import { resolve } from 'node:path'
import { isInUse, type MetadataAtRest, readMetadata } from '@odradek/broker/metadata'
import { UsageError } from '@odradek/protocol'
import { realDisk } from '@odradek/world'

export interface DataFolder {
  readonly path: string
  /** A broker is at work in it. */
  readonly isLive: boolean
  readonly metadata: MetadataAtRest
  /** By topic id; null: no such topic; undefined: not known. */
  topics(topicId: string): { name: string; compacted: boolean } | null | undefined
  topicIdOf(name: string): string | undefined
}

/** Throws a UsageError when it is none. */
export async function openDataFolder(named: string): Promise<DataFolder> {
  const path = resolve(named)
  const names: string[] = await realDisk.list(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOTDIR') throw new UsageError(`${named} is a file: name the data folder, as in serve --data.`)
    throw error
  })
  if (!names.includes('checkpoint') && !names.some(name => name.startsWith('metadata.')))
    throw new UsageError(`${named} is no data folder: there is neither a checkpoint nor metadata in it.`)
  const metadata = await readMetadata(realDisk, path)
  const isKnown = metadata.state === 'whole' || metadata.state === 'torn'
  return {
    path,
    isLive: isInUse(path),
    metadata,
    topics: id => {
      const topic = metadata.topics.get(id)
      if (topic === undefined) return isKnown ? null : undefined
      return { name: topic.name, compacted: isCompacted(topic.name, topic.config) }
    },
    topicIdOf: name => [...metadata.topics].find(([, topic]) => topic.name === name)?.[0],
  }
}

/** A topic that says nothing of it may be compacted by the broker's own settings, which are not in the folder: only what is said counts. */
const isCompacted = (name: string, config: Readonly<Record<string, string>>): boolean =>
  (config['cleanup.policy'] ?? (name.startsWith('__') ? 'compact' : 'delete')).includes('compact')
