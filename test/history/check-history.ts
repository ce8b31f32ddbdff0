/** Finds what is wrong with a history. Pure: the same history gives the same anomalies, whoever recorded it. */
import { type Anomaly, type AnomalyName, isFailure } from './anomaly.ts'
import { commits, unprocessed } from './commit-checks.ts'
import { compaction } from './compaction-checks.ts'
import { damage } from './damage-checks.ts'
import { effects } from './exactly-once-checks.ts'
import type { HistoryEvent } from './history-event.ts'
import { logStarts } from './log-start-checks.ts'
import { ownership } from './ownership-checks.ts'
import { finalReads, polls, sendOrder } from './process-checks.ts'
import { queues } from './queue-checks.ts'
import { conflictingOffsets, missingRecords, wrongRecords } from './record-checks.ts'
import { Recorded } from './recorded.ts'
import { circles } from './transaction-checks.ts'

export interface HistoryRules {
  /** Partitions in which records may give way to later ones of their key. None when absent. */
  isCompacted?: (partition: string) => boolean
  /** How long tombstones stay there at least. */
  deleteRetentionMs?: number | ((partition: string) => number)
}

export interface Verdict {
  /** What must not be. */
  failures: Anomaly[]
  /** What Kafka allows, and is good to know. */
  notes: Anomaly[]
}

export function checkHistory(events: readonly HistoryEvent[], rules: HistoryRules = {}): Verdict {
  const history = new Recorded(events)
  const isCompacted = rules.isCompacted ?? (() => false)
  const found = [
    ...conflictingOffsets(history),
    ...wrongRecords(history),
    ...missingRecords(history, isCompacted),
    ...polls(history, isCompacted),
    ...finalReads(history, isCompacted),
    ...sendOrder(history),
    ...logStarts(history),
    ...commits(history),
    ...unprocessed(history, isCompacted),
    ...compaction(history, { ...rules, isCompacted }),
    ...damage(history),
    ...circles(history),
    ...effects(history),
    ...ownership(history),
    ...queues(history),
  ]
  return { failures: found.filter(isFailure), notes: found.filter(anomaly => !isFailure(anomaly)) }
}

/** How often each was found. */
export function countByName(anomalies: readonly Anomaly[]): Map<AnomalyName, number> {
  const counts = new Map<AnomalyName, number>()
  for (const { name } of anomalies) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
