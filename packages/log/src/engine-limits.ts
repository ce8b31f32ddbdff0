/** What an embedded engine may take of the machine, and how often it looks around. */

export interface EmbeddedEngineLimits {
  /** Segment files open at a time. */
  openFiles: number
  /** Memory for the batches appended last: of all partitions, and of each. */
  tailBytes: number
  tailBytesEach: number
  /** Memory for the indexes of closed segments. */
  indexBytes: number
  /** Syncs in flight at a time. Each takes a thread of Node's pool, which has four: one is left for reads. */
  syncs: number
  /** Size of each of the journal's two files; 0: there is none, and every file is synced for itself. */
  journalBytes: number
  /** A file with more than so much to sync is synced itself. */
  journaledBytes: number
  /** A segment that has grown by so much is described, so that a start after a crash scans no more than that of it. */
  describeBytes: number
  /** How much a second the scrub reads; 0: there is none. */
  scrubBytesPerSecond: number
  /** How often retention looks (log.retention.check.interval.ms). */
  retentionCheckMs: number
}

const mebibyte = 1024 * 1024
export const defaultLimits: EmbeddedEngineLimits = {
  openFiles: 1000,
  tailBytes: 64 * mebibyte,
  tailBytesEach: 8 * mebibyte,
  indexBytes: 32 * mebibyte,
  syncs: 3,
  journalBytes: 32 * mebibyte,
  journaledBytes: 32 * 1024,
  describeBytes: 32 * mebibyte,
  scrubBytesPerSecond: 4 * mebibyte,
  retentionCheckMs: 5 * 60 * 1000,
}
