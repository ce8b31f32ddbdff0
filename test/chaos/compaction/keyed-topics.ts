/** Two compacted partitions: one keeps its tombstones for a day, the other drops them as soon as it may. Segments of a few records. */
import { EmbeddedEngine, type LogEngine, type TopicSpec } from '@odradek/log'
import { type Disk, realClock } from '@odradek/world'
import { config } from '../../../packages/log/src/testing/batches.ts'

export const keeping = 1
export const dropping = 2

const compacted = {
  ...config,
  cleanupPolicy: ['compact' as const],
  segmentBytes: 1_500,
  minCleanableDirtyRatio: 0.01,
  fileDeleteDelayMs: 0,
}

const topics: readonly TopicSpec[] = [
  {
    topicId: '0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c01',
    name: 'keeping',
    partitions: [{ index: 0, id: keeping }],
    config: compacted,
  },
  {
    topicId: '0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c02',
    name: 'dropping',
    partitions: [{ index: 0, id: dropping }],
    config: { ...compacted, deleteRetentionMs: 0 },
  },
]

/** The cleaner looks for work all the time. */
export async function startEngine(disk: Disk, folder: string, leaderEpoch: number): Promise<LogEngine> {
  const engine = await EmbeddedEngine.start({
    clock: realClock,
    disk,
    folder,
    leaderEpoch,
    cleaner: () => ({ backoffMs: 5 }),
  })
  for (const topic of topics) await engine.open(topic)
  return engine
}
