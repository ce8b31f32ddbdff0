/**
 * A log and its groups at work on a recorded disk: several partitions with small segments, idempotent and plain appends, retention by
 * DeleteRecords, committed offsets. What was answered is noted in the disk's journal, between the writes it rests on.
 */
import { EmbeddedEngine, type LogEngine, type TopicSpec } from '@odradek/log'
import { ErrorCodes } from '@odradek/protocol'
import { type Clock, type Disk, SeededRandom, SimulatedClock, sleep } from '@odradek/world'
import { type GroupLog, groupLog } from '../../../packages/broker/src/groups/group-log.ts'
import { offsetRecords } from '../../../packages/broker/src/groups/groups.ts'
import { quiet } from '../../../packages/broker/src/logger.ts'
import { batchOf, config } from '../../../packages/log/src/testing/batches.ts'
import type { JournalEntry } from './disk-journal.ts'
import { RecordingDisk } from './recording-disk.ts'

export type Note =
  | { readonly kind: 'acknowledged'; readonly partition: number; readonly offset: number; readonly value: string }
  | { readonly kind: 'trimmed'; readonly partition: number; readonly before: number }
  | { readonly kind: 'trimming'; readonly partition: number; readonly before: number }
  | { readonly kind: 'committing' | 'committed'; readonly group: string; readonly offset: number }

export const dataFolder = '/data'
export const partitions = [1, 2, 3, 4]
export const groups = ['shipping', 'billing']

const orders: TopicSpec = {
  topicId: '0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c01',
  name: 'orders',
  partitions: partitions.map((id, index) => ({ index, id })),
  config: { ...config, segmentBytes: 6_000, indexIntervalBytes: 512, fileDeleteDelayMs: 50 },
}

const offsets: TopicSpec = {
  topicId: '0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c02',
  name: '__consumer_offsets',
  partitions: [{ index: 0, id: 9 }],
  config: { ...config, cleanupPolicy: ['compact'], segmentBytes: 3_000 },
}

export interface Life {
  readonly engine: LogEngine
  readonly store: GroupLog
}

/** Both, as after a start of the broker. */
export async function begin(clock: Clock, disk: Disk, leaderEpoch: number): Promise<Life> {
  const engine = await EmbeddedEngine.start({
    clock,
    disk,
    folder: dataFolder,
    leaderEpoch,
    limits: { journalBytes: 64 * 1024 },
    cleaner: () => ({ backoffMs: 20 }),
  })
  await engine.open(orders)
  await engine.open(offsets)
  const topic = { name: '__consumer_offsets', existing: () => [9], ensure: async () => [9] }
  const store = groupLog({ engine, clock, logger: quiet, topic })
  await store.load()
  return { engine, store }
}

/** The journal of such a life; `steps` is about how many appends each partition sees. */
export async function recordHistory(seed: number, steps: number): Promise<JournalEntry<Note>[]> {
  const clock = new SimulatedClock()
  const random = new SeededRandom(seed)
  const disk = new RecordingDisk<Note>(clock, random)
  const run = async () => {
    // That the data folder itself is there is not the program's to make durable.
    await disk.makeFolder(dataFolder)
    await disk.syncFolder('/')
    const life = await begin(clock, disk, 1)
    const actor = { clock, disk, random, steps, ...life }
    await Promise.all([
      ...partitions.map(partition => append(actor, partition)),
      ...groups.map(group => commit(actor, group)),
    ])
    await life.engine.close({ drain: true })
  }
  await clock.finish(run())
  return disk.journal
}

interface Actor extends Life {
  readonly clock: Clock
  readonly disk: RecordingDisk<Note>
  readonly random: SeededRandom
  readonly steps: number
}

async function append(actor: Actor, partition: number): Promise<void> {
  const { clock, disk, engine, random, steps } = actor
  const open: Promise<void>[] = []
  const isIdempotent = partition % 2 === 0
  let end = 0
  for (let step = 0, sequence = 0; step < steps; step++) {
    const values = Array.from(
      { length: 1 + random.int(3) },
      (_, i) => `${partition}-${step}-${i} ${'x'.repeat(random.int(700))}`,
    )
    const identity = isIdempotent ? { producerId: BigInt(partition), producerEpoch: 0, baseSequence: sequence } : {}
    sequence += values.length
    const answer = engine.append([batchOf({ partition, values, ...identity })], {
      acks: -1,
      deadline: clock.monotonic() + 1e6,
    })
    open.push(
      answer.then(([appended]) => {
        if (!appended!.ok) throw new Error(`an append was refused with error ${appended!.error}`)
        const first = appended!.baseOffset
        end = Math.max(end, first + values.length)
        for (const [i, value] of values.entries())
          disk.note({ kind: 'acknowledged', partition, offset: first + i, value })
      }),
    )
    await sleep(clock, random.next() * 3)
    if (step % 40 === 39) await trim(actor, partition, Math.floor(end / 2))
  }
  await Promise.all(open)
}

async function trim({ disk, engine }: Actor, partition: number, before: number): Promise<void> {
  disk.note({ kind: 'trimming', partition, before })
  await engine.trim([{ partition, before }])
  disk.note({ kind: 'trimmed', partition, before })
}

async function commit({ clock, disk, random, steps, store }: Actor, group: string): Promise<void> {
  for (let offset = 0; offset < steps; offset++) {
    disk.note({ kind: 'committing', group, offset })
    const committed = {
      offset,
      leaderEpoch: -1,
      metadata: 'm'.repeat(random.int(60)),
      commitTimestamp: 1,
      expireTimestamp: -1,
    }
    const error = await store.write(group, offsetRecords(group, [{ topic: 'orders', partition: 0, committed }]))
    if (error !== ErrorCodes.NONE) throw new Error(`a commit was refused with error ${error}`)
    disk.note({ kind: 'committed', group, offset })
    await sleep(clock, random.next() * 4)
  }
}
