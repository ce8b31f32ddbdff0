/** The settings of a topic for which nothing was set: Kafka's defaults. */
import type { LogConfig } from './engine.ts'

export const defaultLogConfig: LogConfig = {
  cleanupPolicy: ['delete'],
  retentionMs: 604_800_000,
  retentionBytes: -1,
  segmentBytes: 1_073_741_824,
  segmentMs: 604_800_000,
  indexIntervalBytes: 4096,
  maxMessageBytes: 1_048_588,
  messageTimestampType: 'CreateTime',
  fileDeleteDelayMs: 60_000,
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  /** The end of its 64 bits, or nearly. */
  maxCompactionLagMs: 2 ** 63,
  deleteRetentionMs: 86_400_000,
}
