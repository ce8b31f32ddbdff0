/** How the logs of an engine are, for whoever watches over them. */
import type { DamagedRange } from './damage/damage.ts'
import type { ScrubStatus } from './damage/scrub.ts'
import type { PartitionLog } from './partition/partition-log.ts'

export interface LogHealth {
  /** Partitions with records that are not served, and which. */
  readonly damaged: readonly { topic: string; partition: number; ranges: readonly DamagedRange[] }[]
  /** Partitions that take and serve nothing until a restart. */
  readonly offline: readonly { topic: string; partition: number }[]
  readonly scrub: ScrubStatus
}

export function healthOf(logs: Iterable<PartitionLog>, scrub: ScrubStatus): LogHealth {
  const all = Array.from(logs, log => ({
    ...{ topic: log.owner.topic, partition: log.owner.index },
    ...{ ranges: log.damagedRanges, isOffline: log.failure !== undefined },
  }))
  return {
    damaged: all
      .filter(({ ranges }) => ranges.length > 0)
      .map(({ topic, partition, ranges }) => ({ topic, partition, ranges })),
    offline: all.filter(({ isOffline }) => isOffline).map(({ topic, partition }) => ({ topic, partition })),
    scrub,
  }
}
