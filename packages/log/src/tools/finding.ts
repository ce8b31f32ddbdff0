/**
 * What a look at a data folder can find: each kind once, with what it means for the records and how to mend it. A finding names one of
 * these and says where.
 *
 *     damage   acknowledged records cannot be read, or what protects them is gone
 *     mended   nothing is lost: the next start makes it good by itself
 *     note     nothing to do; good to know
 */
export type Severity = 'damage' | 'mended' | 'note'

export interface FindingKind {
  readonly severity: Severity
  readonly meaning: string
  readonly mend: string
}

const restore =
  'odradek log repair DATA_DIR --from BACKUP_DIR brings the records back; without a backup, odradek log repair DATA_DIR sets the range aside so that the rest is served'
const byItself = 'nothing to do: the next start makes it again'

export const findingKinds = {
  'segment-damaged': {
    severity: 'damage',
    meaning: 'records that were acknowledged cannot be read: a disk, or a hand, has changed the file',
    mend: restore,
  },
  'records-damaged': {
    severity: 'damage',
    meaning: 'the batch is as its producer sent it, but its records cannot be decoded: consumers will fail on it',
    mend: 'the producer has sent it so: trim the log past it (odradek topic trim), or let consumers seek over it',
  },
  'log-ends-early': {
    severity: 'damage',
    meaning: 'records that were acknowledged are not in the file any more: it was cut, or comes from an old copy',
    mend: restore,
  },
  'log-starts-late': {
    severity: 'damage',
    meaning: 'the first records that should be there are in no file: a segment is missing',
    mend: restore,
  },
  'segment-missing': {
    severity: 'damage',
    meaning: 'offsets between two segments are in no file, and the topic is not compacted: a segment is missing',
    mend: restore,
  },
  'partition-missing': {
    severity: 'damage',
    meaning: 'the folder of a partition is gone, with all its records: a hand has removed it, or a disk has lost it',
    mend: restore,
  },
  'checkpoint-damaged': {
    severity: 'damage',
    meaning:
      'how far partitions are durable and where they begin is not known: damage near the end of a log may pass for a torn write, and deleted records may come back',
    mend: 'odradek log repair DATA_DIR makes it again from the segments',
  },
  'checkpoint-missing': {
    severity: 'damage',
    meaning:
      'where partitions begin and how far they are durable is known from their segments alone: records that were deleted before (DeleteRecords, odradek topic trim) may be there again, from the start of their segment on, and the last ones acknowledged before a crash may pass for a torn write if they are damaged',
    mend: 'the next start, or odradek log repair DATA_DIR, makes it again from the segments; then delete again what must stay deleted (odradek topic trim)',
  },
  'owner-damaged': {
    severity: 'damage',
    meaning:
      'partition.metadata does not say whose folder this is: a topic made anew could take its records for its own',
    mend: 'odradek log repair DATA_DIR writes it again where the topic is known',
  },
  'owner-foreign': {
    severity: 'note',
    meaning: 'the folder belongs to another topic of this name, or to one that was deleted: it is not used',
    mend: 'nothing to do; look at it with odradek log dump, and remove the folder when nobody misses it',
  },
  'metadata-damaged': {
    severity: 'damage',
    meaning: 'a copy of what the cluster knows of itself (topics, settings) is damaged',
    mend: 'the next start takes the copy that is whole; if both are damaged, restore metadata.log and metadata.db from a backup',
  },
  'metadata-behind': {
    severity: 'mended',
    meaning:
      'of the two copies of what the cluster knows of itself one is missing, or lacks changes that the other has',
    mend: 'nothing to do: the next start makes it again from the other one',
  },
  'metadata-unseen': {
    severity: 'note',
    meaning:
      'metadata.db can be looked at only when nobody is writing to it; metadata.log, the other copy, was looked at',
    mend: 'nothing to do; verify again when the broker has stopped in order',
  },
  quarantined: {
    severity: 'damage',
    meaning: 'these records are known to be damaged: fetches of them are answered CORRUPT_MESSAGE, the rest is served',
    mend: 'odradek log repair DATA_DIR --from BACKUP_DIR brings them back',
  },
  'backup-damaged': {
    severity: 'damage',
    meaning: 'a file of the backup is not what was backed up: the backup cannot be restored',
    mend: 'make the backup again, into another folder, or bring the file back from a copy of it',
  },
  'backup-unfinished': {
    severity: 'note',
    meaning: 'what can be restored is the backup before it',
    mend: 'make the backup again into the same folder: it goes on',
  },
  'torn-tail': {
    severity: 'mended',
    meaning: 'a write that was never acknowledged was cut short by a crash',
    mend: 'nothing to do: the next start cuts it off',
  },
  'in-journal': {
    severity: 'mended',
    meaning: 'the end of the log is not in its segment, but in the journal, whole',
    mend: 'nothing to do: the next start writes it into the segment',
  },
  'journal-damaged': {
    severity: 'damage',
    meaning:
      'what the journal held of some partitions is missing: their segments may lack records that were acknowledged',
    mend: 'start a broker, which keeps what the segments hold; then odradek log verify says whether records are missing',
  },
  'sidecar-missing': {
    severity: 'mended',
    meaning: 'a closed segment has no index: the next start reads it',
    mend: byItself,
  },
  'sidecar-damaged': { severity: 'mended', meaning: 'the index of a segment is not what was written', mend: byItself },
  'sidecar-untrue': {
    severity: 'damage',
    meaning: 'the index of a segment is whole but says what is not so: reads may begin at the wrong place',
    mend: 'odradek log repair DATA_DIR makes it again from the segment',
  },
  'snapshot-damaged': {
    severity: 'mended',
    meaning: "what is remembered of a partition's producers is not what was written: the next start replays the log",
    mend: byItself,
  },
  'cleaned-offset-damaged': {
    severity: 'mended',
    meaning: 'how far compaction came is not known: it looks at everything once more',
    mend: byItself,
  },
  'scrub-damaged': {
    severity: 'mended',
    meaning: 'when the logs were last scrubbed is not known',
    mend: 'nothing to do: the next pass of the scrub writes it again',
  },
  'slot-damaged': {
    severity: 'mended',
    meaning: 'one of two copies of a checkpoint slot is not what was written; the other one counts',
    mend: 'nothing to do: it is written over',
  },
  'quarantine-damaged': {
    severity: 'damage',
    meaning: 'which ranges are known to be damaged cannot be read',
    mend: 'odradek log repair DATA_DIR finds them again',
  },
  'offset-gap': {
    severity: 'note',
    meaning: 'offsets between two segments are in no file: as compaction leaves it',
    mend: 'nothing to do',
  },
  leftover: {
    severity: 'note',
    meaning: 'a file on its way out, or half made when the process ended',
    mend: 'nothing to do: a running broker removes it after file.delete.delay.ms, else the next start does',
  },
  'swap-interrupted': {
    severity: 'mended',
    meaning: 'compaction was interrupted when it put a segment in the place of others',
    mend: 'nothing to do: the next start ends it',
  },
  'swap-damaged': {
    severity: 'damage',
    meaning:
      'compaction was interrupted, and the segment it wrote is damaged: those it was made of stay if they are all there and whole, else records are lost',
    mend: 'start a broker, which takes what is whole; then odradek log verify says whether records are missing',
  },
  'leftover-damaged': {
    severity: 'note',
    meaning: 'a start found this file damaged, and made it again from what else there was',
    mend: 'nothing to do; remove it when nobody wants to look at it',
  },
  'unknown-file': {
    severity: 'note',
    meaning: 'no file of this name belongs here; it is neither read nor removed',
    mend: 'move it away if you know what it is',
  },
  unreadable: {
    severity: 'damage',
    meaning: 'the system cannot read the file',
    mend: 'look at its rights and at the disk; then restore it from a backup',
  },
} as const satisfies Record<string, FindingKind>

export type FindingCode = keyof typeof findingKinds

/** What is wrong, and where in the file. */
export interface Problem {
  readonly code: FindingCode
  /** What was seen, in a sentence without a full stop. */
  readonly problem: string
  readonly byte?: number
  readonly bytes?: number
  /** Offsets concerned: from the first to the one after the last. */
  readonly offsets?: readonly [from: number, to: number]
}

export interface Finding extends Problem {
  /** Within the data folder. */
  readonly file: string
}

export const severityOf = (finding: Problem): Severity => findingKinds[finding.code].severity
