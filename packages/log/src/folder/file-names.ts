/**
 * Names in a data folder, Kafka's where Kafka has one:
 *
 *     checkpoint                       durable offset and log start of every partition (checkpoint.ts)
 *     clean-shutdown                   present while nothing runs, if the last run ended in order
 *     journal/                         what many partitions have not yet synced each for itself (journal/journal.ts)
 *       7.journal                      a piece of it
 *     scrub                            how the last pass of the scrub went (damage/scrub-file.ts)
 *     orders-0/                        topic-partition
 *       partition.metadata             the topic's id
 *       00000000000000000000.log       segment: record batches, one after the other, from this offset on
 *       00000000000000000000.index     its sidecar (segment/segment-sidecar.ts)
 *       00000000000000000042.snapshot  producers as of this offset (producers/producer-snapshot.ts)
 *       00000000000000000000.quarantine  damaged ranges of the segment (damage/quarantine-file.ts)
 *       00000000000000000000.log.deleted
 *     <topic id>-0-delete/             a dropped partition that waits for removal
 *     orders-0.<epoch>-stray/              a folder that belonged to another topic of this name; kept for its owner to look at
 */
export const cleanShutdownName = 'clean-shutdown'
export const checkpointName = 'checkpoint'
export const scrubName = 'scrub'
export const metadataName = 'partition.metadata'
export const journalName = 'journal'

export const segmentName = (baseOffset: number): string => `${digits(baseOffset)}.log`
export const sidecarName = (baseOffset: number): string => `${digits(baseOffset)}.index`
export const quarantineName = (baseOffset: number): string => `${digits(baseOffset)}.quarantine`
export const snapshotName = (offset: number): string => `${digits(offset)}.snapshot`

/** The offset in a name with this suffix; undefined for every other name. */
export function offsetInName(name: string, suffix: 'log' | 'index' | 'snapshot'): number | undefined {
  if (name.length !== 21 + suffix.length || !name.endsWith(`.${suffix}`)) return undefined
  const offset = Number(name.slice(0, 20))
  return Number.isSafeInteger(offset) ? offset : undefined
}

const digits = (offset: number): string => String(offset).padStart(20, '0')
