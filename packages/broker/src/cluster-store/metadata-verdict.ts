/**
 * Two copies of the metadata were found; which is true, and what is to be done about the other. Each change is synced to the log before
 * it is committed to the database, and answered after both: the database is never ahead of a whole log, and behind by one at most.
 */
import { databaseFormat, type FoundDatabase } from './metadata-database.ts'
import type { FoundLog } from './metadata-log.ts'

export interface Verdict {
  /** `pieces`: neither is whole; what can be had of both, and of the partitions' folders. */
  source: 'nothing' | 'database' | 'log' | 'pieces'
  /** The file is put aside, and made anew. */
  replaceDatabase: boolean
  rewriteLog: boolean
  /** Changes may be missing that were answered: numbers that must not be given twice leave a gap. */
  mayBeBehind: boolean
  /** For the operator; none when all is well. */
  remarks: string[]
}

/** `refused`: both, or the only one, were written by a newer version. */
export function judge(database: FoundDatabase, log: FoundLog): Verdict | 'refused' {
  const isNewer = database.format > databaseFormat
  if (log.state === 'newer' || (isNewer && log.state !== 'whole' && log.state !== 'torn')) return 'refused'
  if (isNewer) return fromLog(log, `metadata.db claims to have format ${database.format}, and metadata.log does not`)
  if (database.damage !== undefined) return fromLog(log, `metadata.db is damaged: ${database.damage}`)
  if (database.format === 0) return withoutDatabase(log)
  return fromDatabase(database, log)
}

function fromDatabase({ format, image }: FoundDatabase, log: FoundLog): Verdict {
  const verdict: Verdict = {
    source: 'database',
    replaceDatabase: false,
    rewriteLog: true,
    mayBeBehind: false,
    remarks: [],
  }
  const isAhead = log.image.revision > image.revision
  if (isAhead && log.image.revision > image.revision + 1 && log.state !== 'damaged')
    verdict.remarks.push('metadata.db is older than metadata.log: brought up to date')
  switch (log.state) {
    case 'missing':
      if (format > 1) verdict.remarks.push('metadata.log is missing: made again from metadata.db')
      return verdict
    case 'damaged':
      verdict.remarks.push(`metadata.log is damaged (${log.badLines} lines): made again from metadata.db`)
      return verdict
    case 'torn':
      if (log.image.revision < image.revision)
        verdict.remarks.push('the end of metadata.log is missing: made again from metadata.db')
      return { ...verdict, source: isAhead ? 'log' : 'database' }
    default:
      if (isAhead) return { ...verdict, source: 'log', rewriteLog: false }
      if (log.image.revision === image.revision && log.image.digest === image.digest)
        return { ...verdict, rewriteLog: false }
      verdict.remarks.push('metadata.log is older than metadata.db: made again from it')
      return verdict
  }
}

function withoutDatabase(log: FoundLog): Verdict {
  if (log.state !== 'missing') return { ...fromLog(log, 'metadata.db is missing'), replaceDatabase: false }
  return { source: 'nothing', replaceDatabase: false, rewriteLog: true, mayBeBehind: false, remarks: [] }
}

function fromLog(log: FoundLog, reason: string): Verdict {
  const isUsable = log.state === 'whole' || log.state === 'torn'
  return {
    source: isUsable ? 'log' : 'pieces',
    replaceDatabase: true,
    rewriteLog: log.state !== 'whole',
    mayBeBehind: true,
    remarks: [
      isUsable
        ? `${reason}: it is made again from metadata.log`
        : `${reason}, and metadata.log is ${log.state}: what is left of both is put together`,
    ],
  }
}
