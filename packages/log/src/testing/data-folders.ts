/** Data folders for the tools to look at: what an engine left behind, and hands that change it. */

import type { Disk } from '@odradek/world'
import { memoryDisk, realClock } from '@odradek/world'
import { EmbeddedEngine } from '../embedded-engine.ts'
import type { LogConfig } from '../engine.ts'
import { batchOf, topicOf } from './batches.ts'

export const dataFolder = '/data'

export interface FolderSpec {
  disk?: Disk
  folder?: string
  /** Batches of three records each, in partition 0; half as many go to partition 1. */
  batches?: number
  /** False: as after kill -9. */
  clean?: boolean
  /** Else every sync is one of its own file. */
  hasJournal?: boolean
  config?: Partial<LogConfig>
}

/** Partition orders-0 has a segment for every four batches or so. */
export async function folderWith(spec: FolderSpec = {}): Promise<Disk> {
  const { disk = memoryDisk(), folder = dataFolder, batches = 10, clean = true, hasJournal = true, config = {} } = spec
  const limits = hasJournal ? {} : { journalBytes: 0 }
  const engine = await EmbeddedEngine.start({ clock: realClock, disk, folder, leaderEpoch: 1, limits })
  await engine.open(topicOf({ segmentBytes: 400, indexIntervalBytes: 100, ...config }))
  await appendTo(engine, batches)
  await engine.close({ drain: clean })
  return disk
}

export async function appendTo(engine: EmbeddedEngine, batches: number, from = 0): Promise<void> {
  for (let i = from; i < from + batches; i++) {
    const values = [`${i}a`, `${i}b`, `${i}c`]
    const written = [batchOf({ values, producerId: 7n, producerEpoch: 0, baseSequence: i * 3 })]
    if (i % 2 === 0) written.push(batchOf({ partition: 2, values }))
    const answers = await engine.append(written, { acks: -1, deadline: realClock.monotonic() + 10_000 })
    if (answers.some(answer => !answer.ok)) throw new Error(JSON.stringify(answers))
  }
}

/** Flips one bit. */
export async function flip(disk: Disk, path: string, byte: number): Promise<void> {
  const file = await disk.open(path, 'existing')
  const [before] = await file.read(byte, 1)
  file.write(byte, [Uint8Array.of(before! ^ 1)])
  await file.close()
}

export async function cut(disk: Disk, path: string, size: number): Promise<void> {
  const file = await disk.open(path, 'existing')
  file.truncate(size)
  await file.close()
}

export async function put(disk: Disk, path: string, bytes: Uint8Array, at = 0): Promise<void> {
  const file = await disk.open(path, 'create')
  file.write(at, [bytes])
  await file.close()
}

/** Every file and what it holds, to see that nothing changed. */
export async function contentOf(disk: Disk, folder: string = dataFolder): Promise<Map<string, string>> {
  const content = new Map<string, string>()
  for (const name of await disk.list(folder)) {
    const path = `${folder}/${name}`
    const below = await disk.list(path).catch(() => undefined)
    if (below === undefined) content.set(path, Buffer.from(await disk.readFile(path)).toString('base64'))
    else for (const [file, bytes] of await contentOf(disk, path)) content.set(file, bytes)
  }
  return content
}
